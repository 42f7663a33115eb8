"""What ships inside the package: the files are what their cards say, and enlarge a picture without a network."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hnas.bundled import bundled_models
from hnas.cli.main import main
from hnas.data.folders import load_pairs
from hnas.deploy.enlarge.models import default_model
from hnas.deploy.running.probing import footprint_of
from hnas.deploy.running.runtimes import onnx_session
from hnas.evaluation.benchmark import evaluate_model
from hnas.nets import model_cost
from hnas.weights import load_model


@pytest.mark.parametrize("name", bundled_models())
def test_a_card_is_true(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", name]) in (0, None)
    card = json.loads(capsys.readouterr().out)
    weights = bundled_models()[name]
    model = load_model(weights)
    cost = model_cost(model, lr_size=tuple(card["lr_size"]))
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card["sha256"]
    assert hashlib.sha256(weights.with_suffix(".onnx").read_bytes()).hexdigest() == card["onnx_sha256"]
    assert (card["macs"], card["params"], card["description"]) == (cost.macs, cost.params, model.description)


@pytest.mark.parametrize("name", bundled_models())
def test_the_graph_in_the_package_computes_what_the_weights_do(name: str) -> None:
    run, metadata = onnx_session(bundled_models()[name].with_suffix(".onnx"))
    model = load_model(name)
    picture = np.random.default_rng(0).random((1, 3, 17, 22), np.float32)
    with torch.inference_mode():
        wanted = model(torch.from_numpy(picture)).numpy()
    np.testing.assert_allclose(run(picture), wanted, rtol=0, atol=1e-4)
    assert metadata["description"] == model.description
    assert metadata["footprint"] == footprint_of(model), "without it tiles need torch; `hnas zoo export` writes it"


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_there_is_a_model_for_every_wish(scale: int) -> None:
    assert {f"fast-x{scale}", f"balanced-x{scale}", f"best-x{scale}"} <= bundled_models().keys()
    assert default_model(scale) == f"best-x{scale}"


@pytest.mark.parametrize("name", bundled_models())
def test_a_card_states_the_psnr_that_its_file_gives(name: str, shared_data: Path) -> None:
    card = json.loads(bundled_models()[name].with_suffix(".json").read_text(encoding="utf-8"))
    pairs = load_pairs(shared_data / "benchmark" / "Set5", card["scale"])
    result = evaluate_model(load_model(name), pairs, scale=card["scale"])
    assert result.psnr == pytest.approx(card["results"]["Set5"]["psnr"], abs=0.01)


def test_a_picture_is_enlarged_by_the_model_in_the_package(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(256, size=(20, 30, 3), dtype=np.uint8)).save(photo)
    assert main(["upscale", str(photo), "-o", str(tmp_path / "large.png")]) in (0, None)
    with Image.open(tmp_path / "large.png") as large:
        assert large.size == (60, 40)


def test_an_unknown_model_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "quick-x2"]) == 2
    assert "no model 'quick-x2' comes with the package; there are" in capsys.readouterr().err
