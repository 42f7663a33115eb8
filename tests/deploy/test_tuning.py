"""Training on a ready network: what is held out, that it learns a degradation of its own, and what is handed on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hnas.data.folders import pair_of
from hnas.deploy.design.family import Candidate, read_family
from hnas.deploy.design.tuning import Tuned, read_split, tune
from hnas.deploy.running.runtimes import onnx_session
from hnas.errors import HnasError
from hnas.evaluation.benchmark import evaluate_model
from hnas.weights import load_model, read_weights
from tests.deploy.made_family import write_family

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def write_pictures(folder: Path, count: int, *, dark: bool) -> None:
    """Pictures of stripes, and half-size ones beside them, which are darker where asked."""
    (folder / "HR").mkdir(parents=True)
    (folder / "LR_bicubic" / "X2").mkdir(parents=True)
    random = np.random.default_rng(0)
    for index in range(count):
        waves = np.sin(np.arange(64) * random.uniform(0.1, 0.6))[:, None, None] * random.uniform(20, 60, (1, 64, 3))
        pixels = (120 + waves).astype(np.uint8)
        pair = pair_of("one", pixels, 2)
        Image.fromarray(pixels).save(folder / "HR" / f"{index:02}.png")
        lr = (pair.lr * 0.8).astype(np.uint8) if dark else pair.lr
        Image.fromarray(lr).save(folder / "LR_bicubic" / "X2" / f"{index:02}x2.png")


@pytest.fixture
def one(tmp_path: Path) -> Candidate:
    write_family(tmp_path / "family", {(4, 1): 31.0})
    return read_family(2, tmp_path / "family")[0]


@pytest.mark.parametrize(("count", "expected"), [(2, ["01"]), (9, ["08"]), (20, ["09", "19"])])
def test_every_tenth_picture_is_held_out(tmp_path: Path, count: int, expected: list[str]) -> None:
    write_pictures(tmp_path / "own", count, dark=False)
    pictures, held_out = read_split(tmp_path / "own", 2)
    assert [pair.name for pair in held_out] == expected
    assert len(pictures) == count - len(expected)
    assert not {pair.name for pair in pictures} & set(expected)


def test_one_picture_is_too_few(tmp_path: Path) -> None:
    write_pictures(tmp_path / "own", 1, dark=False)
    with pytest.raises(HnasError, match="one picture; two or more are needed"):
        read_split(tmp_path / "own", 2)


def test_it_learns_what_its_own_pictures_lost(one: Candidate, tmp_path: Path) -> None:
    write_pictures(tmp_path / "own", 6, dark=True)
    pictures, held_out = read_split(tmp_path / "own", 2)
    steps: list[int] = []
    found = tune(one, pictures, held_out, tmp_path / "made", seconds=3.0, data="own", on_plan=steps.append)  # type: ignore[arg-type]
    assert steps[0] >= 1
    assert 1 <= found.steps <= steps[0]
    made = found.candidate
    # What is reported is what the files give.
    for weights, psnr in ((one.weights, found.before), (made.weights, found.after)):
        assert evaluate_model(load_model(weights), held_out, scale=2).psnr == pytest.approx(psnr, abs=1e-3)
    assert found.helped == (found.after > found.before)
    x = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)
    assert onnx_session(made.graph)[0](x).shape == (1, 3, 16, 16)
    card = json.loads(made.card.read_text(encoding="utf-8"))
    assert (card["name"], card["made_of"], card["results"]) == ("chain-4x1-tuned", "chain-4x1", {})
    tuned = read_weights(made.weights).provenance["tuned"]
    assert tuned["data"][0]["folder"] == "own"
    assert tuned["data"][0]["pictures"] == 5


def test_only_what_is_better_helped(one: Candidate) -> None:
    made = Tuned(one, before=30.0, after=30.1, pictures=5, held_out=1, steps=9, seconds=3.2)
    assert made.helped
    assert made.as_dict() == {
        "before": 30.0,
        "after": 30.1,
        "pictures": 5,
        "held_out": 1,
        "steps": 9,
        "seconds": 3,
        "kept": True,
    }
    assert not Tuned(one, before=30.0, after=30.0, pictures=5, held_out=1, steps=9, seconds=3.2).helped
