"""Spaces that are small enough to enumerate, of every kind there is."""

from __future__ import annotations

from hnas.space import Space
from hnas.space.cells import CellSpace
from hnas.space.chain import ChainSpace

TINY_CELLS = CellSpace(
    layers=2, nodes=1, normal_operations=("identity", "rcab"), upsampling_operations=("area", "sub_pixel")
)
#: Depths that differ, so that some choices are not open to all; the enlargement may stand before every block.
TINY_CHAINS = ChainSpace(widths=(3, 2), depths=(1, 3), blocks=("conv_3x3", "residual_3x3"), after=(1, 0), colour="rgb")

TINY: dict[str, Space] = {
    "cells": TINY_CELLS,
    "cells with one operation": CellSpace(
        layers=3, nodes=1, normal_operations=("conv_3x3",), upsampling_operations=("area",)
    ),
    "chain": TINY_CHAINS,
    "chain of one block": ChainSpace(widths=(8, 16), depths=(2, 4), after=(0, 2)),
}
#: The same kinds at the size of a search.
LARGE: dict[str, Space] = {
    "cells": CellSpace(),
    "chain": ChainSpace(depths=(2, 5, 11), blocks=("residual_3x3", "conv_3x3"), after=(0, 2)),
}
