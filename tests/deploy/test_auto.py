"""The network for each picture by itself: what a JPEG's tables say, and which of two networks enlarges it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hnas import bundled
from hnas.cli.main import main
from hnas.deploy.enlarge.auto import JPEG_QUALITY
from hnas.deploy.pictures.jpeg_quality import jpeg_quality
from hnas.deploy.pictures.reading import open_picture
from hnas.nets.chain import ChainNetwork
from hnas.space.chain import ChainGenotype
from hnas.weights import save_model


def _saved(**options: object) -> Image.Image:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(pixels).save(file, **{"format": "JPEG", **options})
    file.seek(0)
    return Image.open(file)


def test_the_quality_is_that_which_libjpeg_was_given() -> None:
    for quality in range(2, 101):
        assert jpeg_quality(_saved(quality=quality)) == quality
    assert jpeg_quality(_saved(quality=1)) in (1, 2)  # nearly all values are cut to 255
    assert jpeg_quality(_saved(quality=80, progressive=True, subsampling=2)) == 80


def test_tables_of_another_maker_count_by_how_coarse_they_are() -> None:
    # Pillow's presets have the tables of Photoshop, whose "web_low" is far coarser than its "maximum".
    qualities = [jpeg_quality(_saved(qtables=name)) for name in ("web_low", "web_high", "maximum")]
    assert all(quality is not None for quality in qualities)
    assert qualities == sorted(qualities, key=int)
    assert qualities[0] < 60 < 90 < qualities[-1]


def test_what_is_no_jpeg_has_no_quality() -> None:
    assert jpeg_quality(_saved(format="PNG")) is None
    assert jpeg_quality(_saved(format="WEBP")) is None
    file = io.BytesIO()
    _saved(quality=70).save(file, "JPEG", quality=70)
    assert open_picture(file.getvalue()).jpeg_quality == 70


def _flat(path: Path, offset: float) -> None:
    """A network that enlarges bicubically and adds so much to every value."""
    network = ChainNetwork(ChainGenotype(2, ("conv_3x3",), "luma", 1), 2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.head.tail.bias.fill_(offset)
    save_model(path, network, {})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models that come along: the usual one leaves gray as it is, that for JPEGs makes it 51 levels brighter."""
    folder = tmp_path / "models"
    folder.mkdir()
    _flat(folder / "best-x2.safetensors", 0.0)
    _flat(folder / "jpeg-x2.safetensors", 0.2)
    monkeypatch.setattr(bundled, "BUNDLED", folder)
    monkeypatch.chdir(tmp_path)
    gray = Image.new("RGB", (24, 20), (100, 100, 100))
    gray.save("low.jpg", quality=min(JPEG_QUALITY, 50))
    gray.save("edge.jpg", quality=JPEG_QUALITY)
    gray.save("high.jpg", quality=JPEG_QUALITY + 1)
    gray.save("plain.png")
    return folder


def _level(path: str) -> int:
    pixels = np.asarray(Image.open(path))
    return int(np.median(pixels))


@pytest.mark.parametrize("model", [[], ["-m", "auto"]])
def test_compressed_pictures_are_for_their_own_network_and_it_is_said(
    package: Path, capsys: pytest.CaptureFixture[str], model: list[str]
) -> None:
    assert main(["upscale", *model, "low.jpg", "edge.jpg", "high.jpg", "plain.png", "-o", "out", "--ext", "png"]) == 0
    levels = {name: _level(f"out/{name}.png") for name in ("low", "edge", "high", "plain")}
    assert levels == {"low": 151, "edge": 151, "high": 100, "plain": 100}
    notes = [line for line in capsys.readouterr().err.splitlines() if "note" in line]
    assert notes == [
        f"hnas: note: {name}.jpg: a JPEG of quality {quality}, so jpeg-x2 enlarges it, which also removes what "
        "compression left"
        for name, quality in (("low", min(JPEG_QUALITY, 50)), ("edge", JPEG_QUALITY))
    ]


def test_a_model_that_is_named_is_taken_whatever_the_file(package: Path) -> None:
    assert main(["upscale", "low.jpg", "-o", "a.png", "-m", "best-x2"]) == 0
    assert main(["upscale", "plain.png", "-o", "b.png", "-m", "jpeg-x2"]) == 0
    assert (_level("a.png"), _level("b.png")) == (100, 151)


def test_what_is_enlarged_twice_is_compressed_once(package: Path) -> None:
    assert main(["upscale", "low.jpg", "-o", "a.png", "-s", "3"]) == 0
    assert Image.open("a.png").size == (72, 60)
    assert _level("a.png") == 151  # and not 202


def test_without_such_a_network_all_pictures_are_for_the_usual_one(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package / "jpeg-x2.safetensors").unlink()
    assert main(["upscale", "low.jpg", "-o", "a.png"]) == 0
    assert _level("a.png") == 100
    assert "note" not in capsys.readouterr().err


def test_standard_input_is_looked_at_too(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path("low.jpg").read_bytes())))
    assert main(["upscale", "-", "-o", "a.png"]) == 0
    assert _level("a.png") == 151
