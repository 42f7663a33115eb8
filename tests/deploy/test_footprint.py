"""What exported files say for tiles, and files that say nothing or what cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hnas import HnasError, nets
from hnas.deploy.enlarge.models import load
from hnas.deploy.running.footprint import Footprint
from hnas.deploy.running.runtimes import METADATA

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from hnas.deploy.export.writing import export_model

    torch.manual_seed(0)
    genotype = {"format": "hnas-chain/1", "width": 4, "blocks": ["residual_3x3"], "colour": "luma", "enlargement": 1}
    model = nets.build_model({"format": nets.FORMAT, "architecture": "chain", "genotype": genotype, "scale": 3})
    path = tmp_path_factory.mktemp("graph") / "chain.onnx"
    export_model(model.eval(), path, "onnx", provenance={})
    return path


def _edited(graph: Path, target: Path, footprint: Any) -> Path:
    model = onnx.load(graph)
    for entry in model.metadata_props:
        if entry.key == METADATA:
            said = json.loads(entry.value)
            del said["footprint"]
            entry.value = json.dumps(said if footprint is None else {**said, "footprint": footprint})
    onnx.save(model, target)
    return target


def test_a_graph_says_how_far_its_network_looks(graph: Path) -> None:
    """Stem, two convolutions and tail look one pixel each."""
    backend = load(graph).backend
    assert (backend.scale, backend.radius, backend.can_tile) == (3, 4, True)


def test_tiles_by_it_leave_no_trace(graph: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    np.testing.assert_array_equal(load(graph, tile=16).upscale(picture), load(graph, tile=0).upscale(picture))


@pytest.mark.parametrize(
    "footprint",
    [
        *(None, {}, [], "x", 3, {"scale": 2, "radius": 3, "bytes_per_pixel": 4}),
        {"scale": 2, "radius": -1, "bytes_per_pixel": 4, "can_tile": True},
        {"scale": 2, "radius": 1.5, "bytes_per_pixel": 4, "can_tile": True},
        {"scale": 5, "radius": 1, "bytes_per_pixel": 4, "can_tile": True},
        {"scale": 2, "radius": 1, "bytes_per_pixel": 0, "can_tile": True},
        {"scale": 2, "radius": 1, "bytes_per_pixel": 4, "can_tile": 1},
    ],
)
def test_what_cannot_be_is_refused(graph: Path, tmp_path: Path, footprint: Any) -> None:
    with pytest.raises(HnasError, match="export it anew"):
        load(_edited(graph, tmp_path / "bad.onnx", footprint))


def test_values_come_back() -> None:
    footprint = Footprint(scale=2, radius=7, bytes_per_pixel=900, can_tile=False)
    assert Footprint.from_dict(footprint.as_dict()) == footprint
