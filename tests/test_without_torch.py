"""What has to work where torch and what comes with it are not installed: enlarging, listing models, designing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from hnas import nets
from hnas.deploy.enlarge.models import load
from hnas.deploy.export.card import CARD_FORMAT
from hnas.deploy.export.shipping import write_halved
from hnas.weights import save_model
from tests.scripts import BENCH

#: What `pip install hnas-sr` does not bring.
ABSENT = (
    *("torch", "torchvision", "lightning_fabric", "safetensors", "scipy", "matplotlib"),
    *("requests", "filelock", "imagecodecs", "tifffile", "pillow_heif", "onnx", "openvino", "playwright"),
)
#: Runs `hnas` as if these were not installed, with the models of another folder as the bundled ones.
SCRIPT = f"""
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, Absent())
import hnas.bundled
hnas.bundled.BUNDLED = Path(sys.argv[1])
from hnas.cli.main import main
sys.exit(main(sys.argv[2:]))
"""
WIDTH = 4
Hnas = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small chains with graphs and cards, as `hnas zoo export` writes them."""
    folder = tmp_path_factory.mktemp("models")
    for name, depth in (("best-x2", 3), ("quick-x2", 1)):
        torch.manual_seed(depth)
        genotype = {
            "format": "hnas-chain/1",
            "width": WIDTH,
            "blocks": ["conv_3x3"] * depth,
            "colour": "luma",
            "enlargement": depth,
        }
        model = nets.build_model({"format": nets.FORMAT, "architecture": "chain", "genotype": genotype, "scale": 2})
        trained, weights = folder / f"{name}.trained", folder / f"{name}.safetensors"
        save_model(trained, model, {"licence": "MIT"})
        write_halved(trained, weights, weights.with_suffix(".onnx"))
        trained.unlink()
        card = {
            "format": CARD_FORMAT,
            "name": name,
            "description": model.description,
            "scale": 2,
            "macs": 1_000_000 * depth,
            "params": 1_000 * depth,
            "latency_ms": 1.0,
            "latency_device": "a processor",
            "provenance": {"val_psnr": 30.0 + depth, "val": {"folder": "Kodak24"}},
            "results": {},
        }
        weights.with_suffix(".json").write_text(json.dumps(card))
    return folder


@pytest.fixture
def hnas(models: Path, tmp_path: Path) -> Hnas:
    """The command, run in a folder of its own."""

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", SCRIPT, str(models), *map(str, words)]
        own_cache = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=own_cache, check=False)

    return run


def _picture(path: Path, channels: int = 3) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 56, channels), np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.mark.parametrize("channels", [3, 4])
def test_enlarging_is_as_with_torch(hnas: Hnas, models: Path, tmp_path: Path, channels: int) -> None:
    pixels = _picture(tmp_path / "small.png", channels)
    if channels == 4:
        pixels[:20, :, 3] = 0  # as it is read back below
        Image.fromarray(pixels).save(tmp_path / "small.png")
    done = hnas("upscale", tmp_path / "small.png", "-o", tmp_path / "large.png", "--tile", "16")
    assert done.returncode == 0, done.stderr
    large = np.asarray(Image.open(tmp_path / "large.png"))
    expected = load(models / "best-x2.safetensors", backend="torch", tile=0).upscale(pixels)
    assert large.shape == (80, 112, channels)
    seen = expected[..., 3:] > 0 if channels == 4 else np.array(True)
    assert (np.abs(large.astype(int) - expected) * seen).max() <= 1


def test_enlarging_needs_no_jinja2(models: Path, tmp_path: Path) -> None:
    """Which is there for the report of `hnas design`."""
    script = SCRIPT.replace(repr(ABSENT), repr((*ABSENT, "jinja2")))
    assert "jinja2" in script
    _picture(tmp_path / "small.png")
    command = [sys.executable, "-c", script, str(models), "upscale", "small.png", "-o", "large.png"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "large.png").size == (112, 80)


def test_what_needs_no_torch(hnas: Hnas) -> None:
    commands = ("upscale", "design", "search", "study", "train", "profile", "evaluate", "export", "report")
    for words in (["--help"], ["--version"], ["models", "best-x2"], *([name, "--help"] for name in commands)):
        done = hnas(*words)
        assert done.returncode == 0, done.stderr
    listed = json.loads(hnas("models", "--json").stdout)
    assert [card["name"] for card in listed] == ["best-x2", "quick-x2"]
    assert "quick-x2" in hnas("models").stdout


def test_designing(hnas: Hnas, models: Path, tmp_path: Path) -> None:
    done = hnas("design", "--max-latency", "2000ms", "--lr-size", "24x32", "-o", "made")
    assert done.returncode == 0, done.stderr
    assert "hand-made networks are left out" in done.stderr
    assert "pip install 'hnas-sr[train]'" in done.stderr
    made = tmp_path / "made"
    assert (made / "model.onnx").read_bytes() == (models / "best-x2.onnx").read_bytes()
    assert "best-x2" in (made / "report.html").read_text(encoding="utf-8")
    _picture(tmp_path / "small.png")
    done = hnas("upscale", "small.png", "-o", "large.png", "-m", "made/model.onnx")
    assert done.returncode == 0, done.stderr


def test_what_milliseconds_buy(hnas: Hnas) -> None:
    done = hnas("profile", "--front", "--lr-size", "24x32", "--json")
    assert done.returncode == 0, done.stderr
    assert {one["name"] for one in json.loads(done.stdout)["family"]} == {"best-x2", "quick-x2"}


def test_a_video(hnas: Hnas, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="needs the extra video")
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((24, 32, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
    done = hnas("video", "clip.mp4", "-o", "large.mp4")
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "large.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (64, 48)


def test_from_python(models: Path) -> None:
    """A name that needs more says so, and a graph loads."""
    start = SCRIPT[: SCRIPT.index("import hnas.bundled")]
    script = f"""{start}
import hnas
print(hnas.load({str(models / "best-x2.onnx")!r}).scale)
try:
    hnas.train
except hnas.HnasError as error:
    print(error)
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["2", "this needs the package torch: pip install 'hnas-sr[train]'", "False"]


@pytest.mark.parametrize(
    ("words", "package", "extra"),
    [
        (("train", "HNAS-A", "--data", ".", "--run-dir", "run"), "torch", "train"),
        (("search", "--data", ".", "--run-dir", "run"), "torch", "train"),
        (("evaluate", "best-x2"), "torch", "train"),
        (("demo",), "torch", "train"),
        (("profile", "HNAS-A"), "torch", "train"),
        (("upscale", "small.png", "-o", "large.png", "--backend", "torch"), "torch", "train"),
        (("upscale", "small.png", "-o", "large.png", "--device", "cuda"), "torch", "train"),
        (("upscale", "deep.png", "-o", "large.png"), "imagecodecs", "deep"),
        (("upscale", "small.png", "-o", "large.png", "--backend", "openvino"), "openvino", "openvino"),
    ],
)
def test_the_extra_that_is_missing_is_named_in_one_line(
    hnas: Hnas, tmp_path: Path, words: tuple[str, ...], package: str, extra: str
) -> None:
    _picture(tmp_path / "small.png")
    imagecodecs = pytest.importorskip("imagecodecs")
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(np.zeros((8, 8, 3), np.uint16)))
    done = hnas(*words)
    assert done.returncode == 2, done.stderr
    where = "deep.png: " if package == "imagecodecs" else ""
    assert done.stderr.splitlines()[-1].endswith(
        f"{where}this needs the package {package}: pip install 'hnas-sr[{extra}]'"
    )
    assert "Traceback" not in done.stderr


def test_each_script_of_bench_gives_its_help_or_names_what_it_needs() -> None:
    script = f"""{SCRIPT[: SCRIPT.index("import hnas.bundled")]}
import contextlib, io, json, runpy
said = {{}}
for path in sys.argv[1:]:
    sys.argv = [path, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            said[path] = end.code or printed.getvalue()
print(json.dumps(said))
"""
    paths = sorted(str(path) for path in BENCH.glob("*.py"))
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert list(said) == paths
    for path, text in said.items():
        if 'script_needs("torch")' in Path(path).read_text(encoding="utf-8"):
            assert text == "this needs the package torch: pip install 'hnas-sr[train]'"
        else:
            assert text.startswith(f"usage: {Path(path).name} ")


def test_a_page_needs_no_torch(hnas: Hnas, tmp_path: Path) -> None:
    done = hnas("export", "best-x2", "--format", "web", "-o", "site", "--packages", ".")
    assert done.returncode == 2
    assert "npm pack" in done.stderr
    assert not (tmp_path / "site").exists()


def test_weights_alone_need_torch(hnas: Hnas, models: Path, tmp_path: Path) -> None:
    _picture(tmp_path / "small.png")
    done = hnas("upscale", "small.png", "-o", "large.png", "-m", models / "best-x2.safetensors")
    assert done.returncode == 2
    assert done.stderr == "hnas: error: this needs the package torch: pip install 'hnas-sr[train]'\n"


def test_a_slip_in_a_name_is_told_from_what_is_not_installed(hnas: Hnas, tmp_path: Path) -> None:
    _picture(tmp_path / "small.png")
    for words in (("upscale", "small.png", "-o", "large.png", "-m", "bset-x2"), ("export", "bset-x2")):
        done = hnas(*words)
        assert done.returncode == 2
        assert done.stderr == "hnas: error: bset-x2: no such weights file; bundled models are best-x2, quick-x2\n"


def test_the_extra_that_brings_everything_is_named(hnas: Hnas) -> None:
    assert "pip install 'hnas-sr[onnx]'" in hnas("export", "best-x2").stderr
