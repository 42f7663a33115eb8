"""The page that enlarges pictures in a browser: what is written, and the whole way in Chromium."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

import hnas
from hnas.bundled import bundled_graph
from hnas.data.sample import sample_pictures
from hnas.deploy.enlarge.opacity import within_neighbourhood
from hnas.deploy.enlarge.tiling import plan_tiles
from hnas.deploy.web import packages, site
from hnas.deploy.web.graphs import graphs_of
from hnas.deploy.web.packages import ONNXRUNTIME, NpmPackage, package_files
from hnas.deploy.web.site import write_site
from hnas.errors import HnasError
from tests.browser import chromium

PAGE = Path(site.__file__).parent / "page"


@pytest.fixture
def package(tmp_path: Path) -> NpmPackage:
    """A package as npm packs one, in the folder ``packed``."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/dist/run.mjs")
        info.size = 9
        archive.addfile(info, io.BytesIO(b"export {}"))
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "runner-1.0.0.tgz").write_bytes(content.getvalue())
    digest = base64.b64encode(hashlib.sha512(content.getvalue()).digest()).decode()
    return NpmPackage("runner", "1.0.0", digest, ("dist/run.mjs",), "MIT")


@pytest.fixture
def graph() -> Path:
    found = bundled_graph("fast-x2")
    assert found is not None
    return found


def test_a_page_has_all_that_it_asks_for(
    tmp_path: Path, package: NpmPackage, graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "PACKAGES", (package,))
    folder = tmp_path / "site"
    for names in (("fast-x2", "again"), ("fast-x2",)):  # the second time in the place of the first
        size = write_site(dict.fromkeys(names, graph), folder, packages=tmp_path / "packed")
        assert size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert (folder / "runner" / "run.mjs").read_bytes() == b"export {}"
    assert (folder / "fast-x2.onnx").read_bytes() == graph.read_bytes()
    assert not (folder / "again.onnx").exists()
    (model,) = json.loads((folder / "models.json").read_text())
    assert (model["name"], model["file"], model["scale"]) == ("fast-x2", "fast-x2.onnx", 2)
    assert model["radius"] == hnas.load(graph).backend.radius
    assert {path.name for path in PAGE.iterdir()} < {path.name for path in folder.iterdir()}
    assert "MIT" in (folder / "LICENCES.txt").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packed", "site"]


def test_the_page_names_no_other_address() -> None:
    for path in PAGE.iterdir():
        assert "://" not in path.read_text(encoding="utf-8"), path


def test_other_files_are_left_alone(tmp_path: Path, graph: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years")
    with pytest.raises(HnasError, match="holds other files"):
        write_site({"fast-x2": graph}, tmp_path, packages=tmp_path)
    with pytest.raises(HnasError, match="is a file"):
        write_site({"fast-x2": graph}, tmp_path / "thesis.tex", packages=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_package_that_cannot_be_had_is_named(
    tmp_path: Path, package: NpmPackage, graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HnasError, match=r"`npm pack onnxruntime-web@[\d.]+` writes it"):
        write_site({"fast-x2": graph}, tmp_path / "site", packages=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["packed"]
    (tmp_path / "packed" / package.archive).write_bytes(b"something else")
    with pytest.raises(HnasError, match=r"runner-1\.0\.0\.tgz has another checksum"):
        package_files(package, tmp_path / "packed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(HnasError, match=r"npm is not installed; run `npm pack onnxruntime-web@.* --packages"):
        package_files(ONNXRUNTIME)


def test_npm_is_asked_once(tmp_path: Path, package: NpmPackage, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in that does as `npm pack` and writes down what it was asked for."""
    npm, packed = tmp_path / "npm", str(tmp_path / "packed" / package.archive)
    npm.write_text(
        f"#!{sys.executable}\nimport shutil, sys\n"
        f"print(*sys.argv[1:], file=open({str(tmp_path / 'asked')!r}, 'a'))\n"
        f"sys.argv[-1] == 'runner@1.0.0' or sys.exit('404 no such package')\n"
        f"shutil.copy({packed!r}, sys.argv[sys.argv.index('--pack-destination') + 1])\n"
    )
    npm.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(packages.shutil, "which", lambda name: str(npm))
    for _ in range(2):
        assert package_files(package) == {"run.mjs": b"export {}"}
    assert len((tmp_path / "asked").read_text().splitlines()) == 1
    other = NpmPackage("walker", "1.0.0", package.sha512, package.files, "MIT")
    with pytest.raises(HnasError, match=r"npm did not get walker@1\.0\.0 \(404 no such package\); run"):
        package_files(other)


def test_models_by_name(tmp_path: Path, graph: Path) -> None:
    shutil.copy(graph, tmp_path / "mine.onnx")
    with graphs_of(("fast-x2", str(tmp_path / "mine.onnx"))) as graphs:
        assert list(graphs) == ["fast-x2", "mine"]
    with pytest.raises(HnasError, match="a second model called fast-x2"), graphs_of(("fast-x2", str(graph))):
        pass
    with pytest.raises(HnasError, match="slow-x9"), graphs_of(("slow-x9",)):
        pass


def _node(script: str) -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js, which runs the page's modules here")
    done = subprocess.run([node, "--input-type=module", "-e", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(("height", "width", "side", "margin"), [(5, 7, 0, 2), (100, 37, 16, 3), (64, 64, 32, 40)])
def test_tiles_are_those_of_the_package(height: int, width: int, side: int, margin: int) -> None:
    found = _node(
        f"import {{ planTiles }} from {(PAGE / 'tiles.js').as_uri()!r};"
        f"console.log(JSON.stringify([...planTiles({height}, {width}, {side}, {margin})]))"
    )
    expected = [
        {"top": tile.top, "left": tile.left, "bottom": tile.bottom, "right": tile.right, "window": list(tile.window)}
        for tile in plan_tiles(height, width, side, margin)
    ]
    assert found == expected


def test_opacity_is_that_of_the_package() -> None:
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (5, 6, 4), np.uint8)
    small[1, 1:4, 3] = small[3, :, 3] = 0
    gray = random.integers(0, 256, (10, 12), np.uint8)
    large = np.dstack([gray] * 3 + [np.full_like(gray, 255)])
    found = _node(
        f"import * as opacity from {(PAGE / 'opacity.js').as_uri()!r};"
        f"const small = new Uint8ClampedArray({small.ravel().tolist()});"
        f"const large = new Uint8ClampedArray({large.ravel().tolist()});"
        "const gray = large.slice(); opacity.putOpacity(large, gray, small, 6, 5, 2);"
        "console.log(JSON.stringify([opacity.fillClear(small, 6, 5), large].map((one) => [...one])))"
    )
    filled, enlarged = np.array(found[0]).reshape(5, 6, 4), np.array(found[1]).reshape(10, 12, 4)
    np.testing.assert_array_equal(enlarged[..., 3], within_neighbourhood(gray.copy(), small[..., 3], 2))
    clear = small[..., 3] == 0
    np.testing.assert_array_equal(filled[~clear], small[~clear])
    np.testing.assert_array_equal(filled[1, 1], small[1, 0] * [1, 1, 1, 0])
    np.testing.assert_array_equal(filled[1, 3], small[1, 4] * [1, 1, 1, 0])
    np.testing.assert_array_equal(filled[3, :, :3], filled[2, :, :3])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page on a server that knows nothing of it."""
    folder = tmp_path_factory.mktemp("page") / "site"
    with graphs_of(("fast-x2", "best-x2")) as graphs:
        write_site(graphs, folder)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium("--disable-background-networking", "--disable-component-update") as browser:
        yield browser


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, ready; what it asked other addresses for is in ``page.elsewhere``."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.elsewhere = []
    local = (address, "blob:", "data:")
    page.on("request", lambda asked: None if asked.url.startswith(local) else page.elsewhere.append(asked.url))
    page.on("pageerror", lambda error: page.elsewhere.append(str(error)))
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    yield page
    assert page.elsewhere == []
    context.close()


def _downloaded(page: Any) -> tuple[str, Path]:
    with page.expect_download() as download:
        page.click("#download")
    return download.value.suggested_filename, Path(download.value.path())


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_the_whole_way_in_a_browser(page: Any, tmp_path: Path, width: int) -> None:
    """Drop, run, slide, download, on a desktop's width and on a phone's; equal to the package within one level."""
    page.set_viewport_size({"width": width, "height": 844})
    picture = np.ascontiguousarray(np.tile(sample_pictures()["coffee"], (2, 2, 1))[:700, :900])  # several tiles
    Image.fromarray(picture).save(tmp_path / "my cat.png")
    content = base64.b64encode((tmp_path / "my cat.png").read_bytes()).decode()
    page.evaluate(
        """content => {
        const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
        const held = new DataTransfer();
        held.items.add(new File([bytes], "my cat.png", { type: "image/png" }));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true }));
        }""",
        content,
    )
    page.get_by_text("900×700 → 1800×1400 pixels by fast-x2 in").wait_for()
    name, path = _downloaded(page)
    assert name == "my cat-x2.png"
    found = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert abs(found - hnas.load("fast-x2").upscale(picture)).max() <= 1

    box = page.locator("#slider").bounding_box()
    assert box["width"] <= width
    page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    assert 75 < float(page.input_value("#slider")) < 85
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_several_pictures_and_one_that_is_none(page: Any, tmp_path: Path) -> None:
    opaque = sample_pictures()["chelsea"][100:160, 100:180]
    clear = np.dstack([opaque, np.full(opaque.shape[:2], 255, np.uint8)])
    clear[:20, :, 3] = 0
    Image.fromarray(opaque).save(tmp_path / "a.png")
    Image.fromarray(clear).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_text("<svg onload=alert(1)>")
    page.set_input_files("#files", [tmp_path / f"{name}.png" for name in "abc"])
    page.get_by_text("c.png: not a picture that this browser can read").wait_for()
    page.locator("#pictures button").nth(1).click()
    name, path = _downloaded(page)
    assert name == "b-x2.png"
    found, expected = np.asarray(Image.open(path)).astype(int), hnas.load("fast-x2").upscale(clear)
    np.testing.assert_array_equal(found[..., 3], expected[..., 3])
    assert (abs(found - expected) * (expected[..., 3:] == 255)).max() <= 1


@pytest.mark.slow
def test_a_film(page: Any, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="needs the extra video")
    with av.open(str(tmp_path / "clip.webm"), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        photograph = sample_pictures()["coffee"]
        for index in range(8):
            frame = np.ascontiguousarray(photograph[100 + index : 164 + index, 100:196])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    page.set_input_files("#files", tmp_path / "clip.webm")
    page.get_by_text("8 frames ×2 by fast-x2").wait_for()
    name, path = _downloaded(page)
    assert name.startswith("clip-x2.")
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert [frame.shape for frame in frames] == [(128, 192, 3)] * 8
    # The first frame of the film, twice as large; the rest is what the codecs lost.
    expected = np.asarray(Image.fromarray(photograph[100:164, 100:196]).resize((192, 128), Image.Resampling.BICUBIC))
    assert abs(frames[0].astype(float) - expected).mean() < 8
