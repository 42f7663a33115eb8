"""A tiny network whose result is known: bicubic enlargement by 2, as a searched network with a tail of zeros."""

from __future__ import annotations

from pathlib import Path

from hnas import nets, space
from hnas.space.cells import Cell, CellGenotype, Edge
from hnas.weights import save_model


def bicubic_network() -> nets.Network:
    """Computes ``F.interpolate(x, scale_factor=2, mode="bicubic")`` exactly."""

    def cell(kind: space.CellKind, name: str) -> Cell:
        return Cell(kind, ((Edge(name, -1), Edge(name, -2)),))

    genotype = CellGenotype(2, 2, cell("normal", "identity"), cell("upsampling", "nearest"))
    network = nets.Network(genotype, nets.NetworkSettings(channels=2, scale=2, image_skip="bicubic")).eval()
    network.tail.weight.data.zero_()
    return network


def bicubic_weights(folder: Path) -> Path:
    """A weights file of :func:`bicubic_network`."""
    path = folder / "bicubic.safetensors"
    save_model(path, bicubic_network(), {"licence": "CC0-1.0"})
    return path
