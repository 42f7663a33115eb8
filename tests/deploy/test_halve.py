"""ONNX graphs in half precision: half the bytes, and the very same values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hnas.deploy.export.halve import halve_weights
from hnas.deploy.export.shipping import write_halved
from hnas.deploy.export.writing import describe, onnx_bytes
from hnas.deploy.running.runtimes import onnx_session
from hnas.deploy.running.simplify import simplify
from hnas.nets.chain import ChainNetwork
from hnas.space.chain import ChainGenotype
from hnas.weights import load_model, read_weights, save_model

pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")


def _network() -> ChainNetwork:
    torch.manual_seed(0)
    return ChainNetwork(ChainGenotype(16, ("conv_3x3",) * 6, "luma", 6), 2).eval()


def test_rounded_weights_are_kept_to_the_last_bit_in_half_the_bytes() -> None:
    network = _network().half().float()
    data = onnx_bytes(simplify(network), describe(network, {}))
    halved = halve_weights(data)
    assert len(halved) < 0.65 * len(data)
    picture = np.random.default_rng(0).random((1, 3, 9, 11), np.float32)
    np.testing.assert_array_equal(onnx_session(halved)[0](picture), onnx_session(data)[0](picture))


def test_weights_that_half_precision_does_not_hold_stay_as_they_are() -> None:
    network = _network()
    data = onnx_bytes(simplify(network), describe(network, {}))
    picture = np.random.default_rng(0).random((1, 3, 9, 11), np.float32)
    np.testing.assert_array_equal(onnx_session(halve_weights(data))[0](picture), onnx_session(data)[0](picture))


def test_a_trained_model_becomes_two_files_that_agree(tmp_path: Path) -> None:
    network = _network()
    save_model(tmp_path / "trained.safetensors", network, {"licence": "CC0-1.0"})
    write_halved(tmp_path / "trained.safetensors", tmp_path / "m.safetensors", tmp_path / "m.onnx")
    assert (tmp_path / "m.safetensors").stat().st_size < 0.65 * (tmp_path / "trained.safetensors").stat().st_size
    assert read_weights(tmp_path / "m.safetensors").provenance == {"licence": "CC0-1.0"}
    picture = np.random.default_rng(0).random((1, 3, 9, 11), np.float32)
    with torch.inference_mode():
        rounded = load_model(tmp_path / "m.safetensors")(torch.from_numpy(picture)).numpy()
        trained = network(torch.from_numpy(picture)).numpy()
    np.testing.assert_allclose(onnx_session(tmp_path / "m.onnx")[0](picture), rounded, rtol=0, atol=1e-5)
    np.testing.assert_allclose(rounded, trained, rtol=0, atol=2e-3)
