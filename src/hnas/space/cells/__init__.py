"""The paper's space: cells of operations, repeated, one of which enlarges."""

from hnas.space.cells.genotype import (
    CELL_INPUTS,
    FORMAT,
    NORMAL_OPERATIONS,
    OPERATIONS,
    UPSAMPLING_OPERATIONS,
    Cell,
    CellGenotype,
    CellKind,
    Edge,
    Node,
)
from hnas.space.cells.layout import layout
from hnas.space.cells.named import NAMED_GENOTYPES
from hnas.space.cells.settings import NetworkSettings
from hnas.space.cells.space import CellSpace

__all__ = [
    "CELL_INPUTS",
    "FORMAT",
    "NAMED_GENOTYPES",
    "NORMAL_OPERATIONS",
    "OPERATIONS",
    "UPSAMPLING_OPERATIONS",
    "Cell",
    "CellGenotype",
    "CellKind",
    "CellSpace",
    "Edge",
    "NetworkSettings",
    "Node",
    "layout",
]
