"""Chains outside training: tiles, other runtimes, and the page of a repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hnas.deploy.enlarge.models import load
from hnas.deploy.export.writing import export_model
from hnas.deploy.share.model_page import model_page
from hnas.nets.chain import ChainNetwork
from hnas.space import read_genotype
from hnas.space.chain import ChainGenotype
from hnas.weights import load_model, read_weights, save_model

GENOTYPES = {
    "enlarged at the end": ChainGenotype(4, ("conv_3x3", "residual_3x3"), "luma", 2),
    "enlarged within": ChainGenotype(4, ("conv_3x3", "conv_3x3"), "rgb", 1),
}


@pytest.fixture(params=GENOTYPES)
def weights(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = ChainNetwork(GENOTYPES[request.param], 2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))  # so that what the network adds is not next to nothing
    path = tmp_path / "chain.safetensors"
    save_model(path, network, {"teacher": {"model": "large.safetensors", "licence": "Apache-2.0"}})
    return path


def _picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)


def test_tiles_have_no_seams(weights: Path) -> None:
    picture = _picture(50, 37)
    whole = load(weights, tile=0).upscale(picture)
    assert whole.shape == (100, 74, 3)
    for tile in (13, 20):
        tiled = load(weights, tile=tile).upscale(picture)
        assert np.abs(tiled.astype(int) - whole).max() <= 1  # a value in a thousand may round the other way
    with torch.inference_mode():
        x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
        direct = (load_model(weights)(x)[0] * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    assert np.abs(direct.astype(int) - whole).max() <= 1


def test_onnx_holds_plain_convolutions_and_agrees(weights: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    network = load_model(weights)
    exported = export_model(network, tmp_path / "chain.onnx", "onnx", provenance={})
    assert exported.difference < 1e-5  # at sizes that the exporter has not seen
    kinds = {node.op_type for node in onnx.load(exported.path).graph.node}
    assert "Conv" in kinds
    assert not kinds & {"Resize", "Upsample", "MatMul", "DepthToSpace"}


def test_the_page_of_a_repository_names_the_chain_and_its_teacher(weights: Path, tmp_path: Path) -> None:
    page = model_page(weights, name="chain")
    assert read_genotype(read_weights(weights).description["genotype"]).summary() in page
    assert "teacher: large.safetensors (Apache-2.0)" in page
