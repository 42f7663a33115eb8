"""The app: what it takes and refuses, what it serves, and the whole way in a real browser."""

from __future__ import annotations

import json
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio", reason="needs the extra app")

from hnas.errors import HnasError
from hnas.nets import Network, NetworkSettings
from hnas.report.app.enlarge import Enlarger, UploadLimits
from hnas.report.app.explore import explore
from hnas.space.cells import Cell, CellGenotype, Edge
from hnas.weights import save_model
from tests.report.example import make_run


def tiny_genotype() -> CellGenotype:
    node = (Edge("dil_conv_3x3", -1), Edge("identity", -2))
    upsampling = (Edge("sub_pixel", -1), Edge("nearest", -1))
    return CellGenotype(2, 2, Cell("normal", (node,)), Cell("upsampling", (upsampling,)))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    paths = {f"tiny-x{scale}": folder / f"x{scale}.safetensors" for scale in (2, 3)}
    for scale, path in zip((2, 3), paths.values(), strict=True):
        save_model(path, Network(tiny_genotype(), NetworkSettings(channels=2, scale=scale)), {})
    return paths


@pytest.fixture
def enlarger(models, tmp_path) -> Enlarger:
    return Enlarger(models, folder=tmp_path, limits=UploadLimits(megabytes=1, megapixels=0.05, seconds=60))


def write(path: Path, *shape: int) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8)).save(path)
    return path


def quiet(share: float) -> None:
    assert 0 <= share <= 1


def test_models_are_offered_by_scale(enlarger):
    assert enlarger.scales == [2, 3]
    assert enlarger.names(3) == ["tiny-x3"]
    assert enlarger.names() == ["tiny-x2", "tiny-x3"]


def test_result_keeps_opacity_and_the_views_have_one_size(enlarger, tmp_path):
    done = enlarger.enlarge(write(tmp_path / "a.png", 20, 30, 4), "tiny-x3", name="my cat.png", progress=quiet)
    assert done.result.name == "my cat_x3.png"
    with Image.open(done.result) as result, Image.open(done.before) as before, Image.open(done.after) as after:
        assert result.mode == "RGBA"
        assert result.size == before.size == after.size == (90, 60)
    assert done.note.startswith("30×20 → 90×60 pixels by tiny-x3")


def test_sixteen_bits_are_kept_in_the_result_and_shown_in_eight(enlarger, tmp_path):
    Image.fromarray(np.full((16, 16), 40_000, np.uint16)).save(tmp_path / "deep.png")
    done = enlarger.enlarge(tmp_path / "deep.png", "tiny-x2", name="deep.png", progress=quiet)
    with Image.open(done.result) as result, Image.open(done.before) as before:
        assert result.mode.startswith("I;16") or result.mode == "I"
        assert before.getpixel((5, 5)) == (round(40_000 / 257),) * 3


@pytest.mark.parametrize(
    ("shape", "content", "message"),
    [
        ((300, 300, 3), None, r"a\.png: 0\.1 megapixels; up to 0\.05"),
        (None, b"", r"a\.png: not a picture"),
        (None, b"<svg onload=alert(1)>", r"a\.png: not a picture"),
        (None, b"\0" * 1_000_001, r"a\.png: 1\.0 MB; up to 1 MB"),
    ],
)
def test_uploads_are_bounded(enlarger, tmp_path, shape, content, message):
    path = tmp_path / "upload"
    if shape:
        write(tmp_path / "a.png", *shape).rename(path)
    else:
        path.write_bytes(content)
    with pytest.raises(HnasError, match=message):
        enlarger.enlarge(path, "tiny-x2", name="a.png", progress=quiet)
    assert [item.name for item in tmp_path.iterdir()] == ["upload"]


def test_time_is_bounded(models, tmp_path):
    enlarger = Enlarger(models, folder=tmp_path, limits=UploadLimits(seconds=0))
    with pytest.raises(HnasError, match="not done after 0 s"):
        enlarger.enlarge(write(tmp_path / "a.png", 20, 20, 3), "tiny-x2", name="a.png", progress=quiet)


def test_only_models_on_offer_run(enlarger, tmp_path):
    with pytest.raises(HnasError, match="not on offer"):
        enlarger.enlarge(write(tmp_path / "a.png", 20, 20, 3), "/etc/passwd", name="a.png", progress=quiet)


def test_a_point_gives_its_own_genotype(tmp_path):
    run = make_run(tmp_path / "search", pictures=False)
    exploration = explore(run)
    lines = [json.loads(line) for line in (run / "candidates.jsonl").read_text().splitlines()]
    chosen = next(line for line in lines if line.get("chosen"))
    saved = exploration.save_genotype(exploration.chart.selected, tmp_path)
    assert json.loads(saved.read_text()) == chosen["genotype"]
    assert f"**{chosen['psnr']:.3f} dB**" in exploration.facts(exploration.chart.selected)
    assert exploration.html.count("data-point=") == len(lines)
    for point in (-1, len(lines), 10**9):
        with pytest.raises(HnasError, match=r"shows points 0 to"):
            exploration.genotype(point)


def test_a_run_without_candidates_is_named(tmp_path):
    (tmp_path / "config.yaml").write_text("command: train\n")
    with pytest.raises(HnasError, match="holds no candidates"):
        explore(tmp_path)


@pytest.fixture(scope="module")
def address(models, tmp_path_factory) -> Iterator[str]:
    pytest.importorskip("gradio", reason="the app needs the extra hnas-sr[app]")
    from hnas.report.app import serving

    run = make_run(tmp_path_factory.mktemp("runs") / "search", pictures=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serving(models, runs=[run], port=port, limits=UploadLimits(megabytes=1, megapixels=0.1)) as address:
        yield address


def status(url: str, data: bytes | None = None, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=20) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_nothing_outside_the_sessions_folder_is_served(address, models):
    assert status(address) == 200
    model = str(models["tiny-x2"])
    here = str(Path("pyproject.toml").resolve())
    for path in ("/etc/passwd", "/etc/../etc/passwd", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", model, here):
        assert status(f"{address}gradio_api/file={path}") in (403, 404), path


def test_an_upload_above_the_limit_is_refused(address):
    def upload(size: int) -> int:
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        body = head + b"\0" * size + b"\r\n--x--\r\n"
        return status(f"{address}gradio_api/upload", body, **{"Content-Type": "multipart/form-data; boundary=x"})

    assert upload(1000) == 200
    assert upload(3_000_000) in (400, 413)


def test_listens_on_this_machine_alone(address):
    assert address.startswith("http://127.0.0.1:")


@pytest.mark.slow
def test_the_whole_way_in_a_browser(address, tmp_path):
    """Drop, run, slide, download; then a point of the front, its cells, and its genotype to take away."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser is driven by Playwright")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    write(tmp_path / "photo.png", 40, 60, 3)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        elsewhere: list[str] = []
        local = (address, "data:", "blob:", address.replace("http", "ws"))
        page.on("request", lambda request: None if request.url.startswith(local) else elsewhere.append(request.url))
        page.goto(address)
        page.set_input_files("#upload input[type=file]", tmp_path / "photo.png")
        page.get_by_text("photo.png").wait_for()
        page.get_by_label("×3").check()
        sync_api.expect(page.get_by_label("Model")).to_have_value("tiny-x3", timeout=60_000)
        page.click("#enlarge")
        page.get_by_text("60×40 → 180×120 pixels by tiny-x3").wait_for()
        handle = page.locator("#slider .inner, #slider .outer").first
        box = page.locator("#slider img").first.bounding_box()
        before = handle.bounding_box()
        page.mouse.move(before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()
        assert abs(handle.bounding_box()["x"] - before["x"]) > 20
        with page.expect_download() as download:
            page.click("#download")
        assert download.value.suggested_filename == "photo_x3.png"
        with Image.open(download.value.path()) as picture:
            assert picture.size == (180, 120)

        page.get_by_role("tab", name="Explore a search").click()
        facts = page.locator("#facts").inner_text()
        point = page.locator("#chart .area .point.front").last
        point.click()
        page.wait_for_function("before => document.querySelector('#facts').innerText !== before", arg=facts)
        page.click("#use")
        page.get_by_text("then train it").wait_for()
        with page.expect_download() as download:
            page.click("#genotype")
        taken = CellGenotype.from_json(Path(download.value.path()).read_text())
        title = page.locator("#cells svg title").first.text_content()
        assert f"{taken.layers} layers, upsampling cell at {taken.position}" in title
        assert not elsewhere
        browser.close()
