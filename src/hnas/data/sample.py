"""Photographs inside the package: enough to try everything without a download."""

from __future__ import annotations

from pathlib import Path

from hnas.data.folders import Pair, find_pictures, pair_of
from hnas.data.pictures import Pixels, read_picture

#: Where they are; who took each, and the terms, stand in its LICENCES.md.
PHOTOGRAPHS = Path(__file__).parent / "photographs"
#: Never searched or trained on: the demonstration is measured on these.
HELD_OUT = ("coffee", "chelsea")


def sample_pictures() -> dict[str, Pixels]:
    """Ten photographs by name, uint8 H x W x 3, 300 to 512 pixels high; half of them gray; no network."""
    return {path.stem: read_picture(path) for path in find_pictures(PHOTOGRAPHS)}


def held_out_pairs(scale: int) -> list[Pair]:
    """The held-out photographs as a benchmark."""
    pictures = sample_pictures()
    return [pair_of(name, pictures[name], scale) for name in HELD_OUT]
