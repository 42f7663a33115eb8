"""Our files in the real spandrel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hnas import nets
from hnas.deploy.share.spandrel import install
from hnas.space.cells import NAMED_GENOTYPES, CellGenotype
from hnas.weights import save_model


@pytest.fixture(scope="module")
def spandrel() -> Any:
    """spandrel needs torchvision, whose usual build does not load beside a torch for CPUs only: it lacks the names of
    two operators that nothing here calls."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    try:
        pytest.importorskip("torchvision", reason="needs the extra spandrel, and torchvision")
    except RuntimeError:
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    spandrel = pytest.importorskip("spandrel", reason="needs the extra spandrel")
    install()
    install()  # a second time changes nothing
    return spandrel


@pytest.mark.parametrize(("name", "scale"), [("HNAS-A", 2), ("HNAS-B", 3)])
def test_spandrel_tells_and_loads_our_files(spandrel: Any, tmp_path: Path, name: str, scale: int) -> None:
    genotype = CellGenotype(3, 2, NAMED_GENOTYPES[name].normal, NAMED_GENOTYPES[name].upsampling)
    network = nets.Network(genotype, nets.NetworkSettings(channels=4, scale=scale)).eval()
    path = tmp_path / "m.safetensors"
    save_model(path, network, {})
    loaded = spandrel.ModelLoader().load_from_file(path)
    assert isinstance(loaded, spandrel.ImageModelDescriptor)
    assert (loaded.architecture.id, loaded.scale, loaded.purpose) == ("HNAS", scale, "SR")
    assert loaded.model.genotype == genotype
    assert loaded.tiling.name == ("DISCOURAGED" if name == "HNAS-B" else "SUPPORTED")
    x = torch.rand(1, 3, 9, 11)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(x), network(x).clamp(0, 1))


def test_other_files_are_left_to_others(spandrel: Any) -> None:
    architecture = spandrel.MAIN_REGISTRY["HNAS"].architecture
    assert not architecture.detect({"stem.weight": torch.zeros(4, 3, 3, 3)})
    assert next(iter(spandrel.MAIN_REGISTRY.architectures("detection"))).architecture.id == "HNAS"
