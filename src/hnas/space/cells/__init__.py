"""The paper's space: cells of operations, repeated, one of which enlarges."""

from hnas.space.cells.genotype import (
    CELL_INPUTS,
    FORMAT,
    Cell,
    CellGenotype,
    Edge,
    Node,
)
from hnas.space.cells.named import NAMED_GENOTYPES
from hnas.space.cells.operations import (
    NORMAL_OPERATIONS,
    OPERATIONS,
    UPSAMPLING_OPERATIONS,
    CellKind,
    Operation,
    OperationCost,
    operation_of,
    register_operation,
)
from hnas.space.cells.settings import NetworkSettings, Norm
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
    "Norm",
    "Operation",
    "OperationCost",
    "operation_of",
    "register_operation",
]
