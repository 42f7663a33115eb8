"""The app: what it takes and refuses, what it serves, and the whole way in a real browser."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio", reason="needs the extra app")

from hnas.errors import HnasError
from hnas.nets import Network, NetworkSettings
from hnas.report.app.door import Names, refusal
from hnas.report.app.enlarge import Enlarger, UploadLimits, _eight_bits
from hnas.report.app.explore import explore
from hnas.report.app.machine import design_archive, in_words, survey_machine
from hnas.report.app.storage import Storage
from hnas.space.cells import Cell, CellGenotype, Edge
from hnas.weights import save_model
from tests.browser import chromium
from tests.deploy.made_family import write_family
from tests.report.example import make_run

JSON = {"Content-Type": "application/json"}


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
    storage = Storage(tmp_path / "served", megabytes=10)
    return Enlarger(models, storage=storage, limits=UploadLimits(megabytes=1, megapixels=0.05, seconds=60))


def write(path: Path, *shape: int) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8)).save(path)
    return path


def quiet(share: float) -> None:
    assert 0 <= share <= 1


def test_models_are_offered_by_scale(enlarger):
    assert enlarger.scales == [2, 3]
    assert enlarger.names(3) == ["tiny-x3"]
    assert enlarger.names() == ["tiny-x2", "tiny-x3"]
    assert enlarger.usual(3) == "tiny-x3"


def test_the_best_is_taken_where_nobody_chooses(tmp_path):
    storage = Storage(tmp_path / "served", megabytes=10)
    offer = {name: name for name in ("balanced-x2", "best-x2")}
    assert Enlarger(offer, storage=storage, limits=UploadLimits()).usual(2) == "best-x2"


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
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["upload"]
    assert not list((tmp_path / "served").iterdir())


def test_time_is_bounded(models, tmp_path):
    enlarger = Enlarger(models, storage=Storage(tmp_path / "served", 10), limits=UploadLimits(seconds=0))
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def address(models, tmp_path_factory) -> Iterator[str]:
    pytest.importorskip("gradio", reason="the app needs the extra hnas-sr[app]")
    from hnas.report.app import serving

    run = make_run(tmp_path_factory.mktemp("runs") / "search", pictures=False)
    with serving(models, runs=[run], port=free_port(), limits=UploadLimits(megabytes=1, megapixels=0.1)) as address:
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


def uploaded(content: bytes) -> bytes:
    """The body of an upload."""
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    return head + content + b"\r\n--x--\r\n"


def test_an_upload_above_the_limit_is_refused(address):
    def upload(size: int) -> int:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return status(f"{address}gradio_api/upload", uploaded(b"\0" * size), **headers)

    assert upload(1000) == 200
    assert upload(3_000_000) in (400, 413)


def raw_status(address: str, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    """As :func:`status`, with any Host."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "10.0.0.1", "", "[::"])
def test_a_name_that_was_made_to_point_here_is_refused(address, host):
    for method, path in (("GET", "/"), ("GET", "/config"), ("POST", "/gradio_api/upload")):
        assert raw_status(address, method, path, Host=host) == 403


def test_own_names_are_answered(address):
    port = urlsplit(address).port
    for host in ("127.0.0.1", "localhost", "LocalHost", "localhost.", "[::1]"):
        assert raw_status(address, "GET", "/config", Host=f"{host}:{port}") == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "file://", "http://["])
def test_pages_of_other_sites_send_nothing(address, origin):
    upload = {"Content_Type": "multipart/form-data; boundary=x", "Origin": origin}
    assert raw_status(address, "POST", "/gradio_api/upload", uploaded(b"a"), **upload) == 403
    assert raw_status(address, "POST", "/gradio_api/queue/join", b"{}", Origin=origin) == 403
    assert raw_status(address, "GET", "/config", Origin=origin) == 403


def test_pages_of_other_sites_may_link_here_and_take_nothing(address):
    linked = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert raw_status(address, "GET", "/", **linked) == 200
    for site in ("cross-site", "same-site"):  # another port of this machine is of the same site
        assert raw_status(address, "GET", "/", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors") == 403
        assert raw_status(address, "POST", "/gradio_api/queue/join", b"{}", **{**linked, "Sec_Fetch_Site": site}) == 403


def test_own_pages_send_what_they_like(address):
    own = {"Content_Type": "multipart/form-data; boundary=x", "Origin": address.rstrip("/")}
    assert raw_status(address, "POST", "/gradio_api/upload", uploaded(b"a"), Sec_Fetch_Site="same-origin", **own) == 200


def test_a_server_for_others_answers_to_addresses_and_names_that_it_was_given():
    everywhere = Names.of("0.0.0.0", ["Pictures.example"])
    assert all(everywhere.has(name) for name in ("10.0.0.1", "fe80::1", "localhost", "pictures.example"))
    assert not everywhere.has("evil.example")
    one = Names.of("10.0.0.1")
    assert one.has("10.0.0.1")
    assert not one.has("10.0.0.2")
    proxied = {"host": "127.0.0.1:7860", "origin": "https://pictures.example"}
    assert refusal("POST", proxied, Names.of("127.0.0.1", ["pictures.example"])) == ""
    assert refusal("POST", proxied, Names.of("127.0.0.1")) != ""


def test_a_request_says_how_long_it_is_and_is_no_longer_than_a_picture(address):
    join = "/gradio_api/queue/join"
    assert raw_status(address, "POST", join, b" " * ((1 << 20) + 1)) == 413
    assert raw_status(address, "POST", join, iter([b"{}"])) == 411  # in pieces


def test_many_at_once_wait_for_their_turn_or_are_refused(address, tmp_path, monkeypatch):
    """One is worked on, as many wait as the queue holds, nothing goes past it, and the page is there meanwhile."""
    go_on, at_work, most = Event(), [], []
    enlarge = Enlarger.enlarge

    def watched(*arguments, **more):
        at_work.append(0)
        most.append(len(at_work))
        go_on.wait(120)
        try:
            return enlarge(*arguments, **more)
        finally:
            at_work.pop()

    monkeypatch.setattr(Enlarger, "enlarge", watched)
    config = json.loads(urllib.request.urlopen(f"{address}config", timeout=60).read())
    (event,) = (
        each["id"] for each in config["dependencies"] if [len(each[k]) for k in ("inputs", "outputs")] == [2, 5]
    )
    content = write(tmp_path / "a.png", 40, 40, 3).read_bytes()
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(f"{address}gradio_api/upload", uploaded(content), headers)
    (path,) = json.loads(urllib.request.urlopen(request, timeout=60).read())
    picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
    asked = json.dumps({"data": [[picture], "tiny-x2"], "fn_index": event, "session_hash": "flood"}).encode()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: status(f"{address}gradio_api/queue/join", asked, **JSON), range(40)))
    taken = answers.count(200)
    # One at work and 16 that wait; a few more while those before were on their way from one to the other.
    assert set(answers) == {200, 503}
    assert 16 <= taken <= 20
    assert status(address) == 200
    assert status(f"{address}gradio_api/run/predict", asked, **JSON) == 404
    go_on.set()
    ended = []
    with urllib.request.urlopen(f"{address}gradio_api/queue/data?session_hash=flood", timeout=300) as events:
        for line in events:
            said = json.loads(line[5:]) if line.startswith(b"data:") else {}
            if said.get("msg") == "process_completed":
                ended.append(said["success"])
            if said.get("msg") == "close_stream" or len(ended) == taken:
                break
    assert ended == [True] * taken
    assert max(most) == 1


def test_the_oldest_files_make_room_and_young_ones_stay(tmp_path):
    storage = Storage(tmp_path, megabytes=0.003)
    for name, age in (("old", 5000), ("older", 6000), ("young", 5)):
        (tmp_path / name).write_bytes(b"\0" * 900)
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    with storage.room_for(300):
        assert len(list(tmp_path.iterdir())) == 3
        with storage.room_for(600):  # beside what is promised
            assert {path.name for path in tmp_path.iterdir()} == {"old", "young"}
    with storage.room_for(2100):
        assert {path.name for path in tmp_path.iterdir()} == {"young"}
    with pytest.raises(HnasError, match=r"all 0.003 MB for pictures are in use"), storage.room_for(2200):
        pass
    assert storage.used == 900


def test_no_more_is_written_than_the_quota(models, tmp_path):
    storage = Storage(tmp_path / "served", megabytes=2)
    enlarger = Enlarger(models, storage=storage, limits=UploadLimits())
    picture, refused = write(tmp_path / "a.png", 60, 60, 3), 0
    for _ in range(20):
        try:
            enlarger.enlarge(picture, "tiny-x3", name="a.png", progress=quiet)
        except HnasError as error:
            refused += "in use" in str(error)
        assert storage.used <= 2_000_000
    assert 0 < refused < 20


def test_an_upload_that_went_while_it_waited_is_one_line(enlarger, tmp_path):
    with pytest.raises(HnasError, match=r"a\.png: kept for some minutes only; upload it again"):
        enlarger.enlarge(tmp_path / "gone", "tiny-x2", name="a.png", progress=quiet)


def test_more_than_the_memory_is_refused_before_it_is_tried(enlarger, tmp_path, monkeypatch):
    monkeypatch.setattr("hnas.report.app.enlarge.free_memory", lambda: 1000)
    with pytest.raises(HnasError, match=r"enlarging it takes .* GB of memory, and 0\.0 GB are free"):
        enlarger.enlarge(write(tmp_path / "a.png", 20, 20, 3), "tiny-x2", name="a.png", progress=quiet)


@pytest.mark.parametrize("value", [0, 127, 128, 129, 385, 40_000, 65_406, 65_407, 65_408, 65_535])
def test_sixteen_bits_are_shown_rounded(value):
    assert _eight_bits(np.full((1, 1), value, np.uint16))[0, 0] == int(Fraction(value, 257) + Fraction(1, 2))


def test_listens_on_this_machine_alone(address):
    assert address.startswith("http://127.0.0.1:")


def test_what_the_machine_can_do_and_a_network_to_take_away(tmp_path):
    write_family(tmp_path / "family", {(4, 1): 31.0, (8, 2): 32.0})
    found, _ = survey_machine(2, (24, 32), limit_ms=10_000, models=tmp_path / "family")
    best, table = found.within(200), in_words(found)
    assert best is None or f"{best.candidate.name} |" in table
    assert table.count("dB on Kodak24") == sum(found.within(limit) is not None for limit in (10, 50, 200))
    storage = Storage(tmp_path / "served", megabytes=10)
    archive, words = design_archive(2, (24, 32), 10_000, storage, models=tmp_path / "family")
    assert archive.name == "chain-8x2-10000ms.zip"
    assert words.startswith("chain-8x2: ")
    with zipfile.ZipFile(archive) as file:
        names = {name.rpartition("/")[2] for name in file.namelist()} - {""}
    assert {"model.onnx", "report.html"} < names
    for limit, message in ((1e-6, "keeps the limit|ms"), (0, "no limit"), (float("nan"), "no limit")):
        with pytest.raises(HnasError, match=message):
            design_archive(2, (24, 32), limit, storage, models=tmp_path / "family")
    assert [path for path in storage.folder.rglob("*") if path.is_file()] == [archive]


@pytest.mark.slow
def test_several_pictures_in_a_browser(address, tmp_path):
    """Two pictures and a file that is none; then what the machine can do."""
    write(tmp_path / "a.png", 20, 30, 3)
    write(tmp_path / "b.png", 30, 20, 3)
    (tmp_path / "c.png").write_text("no picture")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(address)
        page.set_input_files("#upload input[type=file]", [tmp_path / f"{name}.png" for name in "abc"])
        page.locator("#upload .file", has_text=".png").nth(2).wait_for()
        page.click("#enlarge")
        page.get_by_text("c.png: not a picture that can be read").first.wait_for()
        page.get_by_text("20×30 → 40×60 pixels by tiny-x2").wait_for()
        page.locator("#pictures img").first.click()
        page.get_by_text("30×20 → 60×40 pixels by tiny-x2").wait_for()
        with page.expect_download() as download:
            page.click("#download")
        assert download.value.suggested_filename == "a_x2.png"

        page.get_by_role("tab", name="What this machine can do").click()
        page.click("#measure")
        page.locator("#buys table").wait_for()
        page.fill("#limit input", "0.0001")
        page.click("#design")
        page.locator("#chosen", has_text="no network keeps 0.0001 ms").wait_for()
        page.fill("#limit input", "100000")
        page.click("#design")
        page.get_by_text("measured within 100000 ms").wait_for()
        with page.expect_download() as download:
            page.click("#network")
        assert download.value.suggested_filename.endswith("-x2-100000ms.zip")


@pytest.mark.slow
def test_the_whole_way_in_a_browser(address, tmp_path):
    """Drop, run, slide, download; then a point of the front, its cells, and its genotype to take away."""
    write(tmp_path / "photo.png", 40, 60, 3)
    with chromium() as browser:
        from playwright.sync_api import expect

        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        elsewhere: list[str] = []
        local = (address, "data:", "blob:", address.replace("http", "ws"))
        page.on("request", lambda request: None if request.url.startswith(local) else elsewhere.append(request.url))
        page.goto(address)
        page.set_input_files("#upload input[type=file]", tmp_path / "photo.png")
        page.get_by_text("photo.png").wait_for()
        page.get_by_label("×3").check()
        expect(page.get_by_label("Model")).to_have_value("tiny-x3", timeout=60_000)
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
