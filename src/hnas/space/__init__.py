"""What a network may look like: genotypes, their search space, the paper's named ones. No torch here."""

from hnas.space.genotype import (
    CELL_INPUTS,
    NORMAL_OPERATIONS,
    OPERATIONS,
    UPSAMPLING_OPERATIONS,
    Cell,
    CellKind,
    Edge,
    Genotype,
    Node,
)
from hnas.space.named import NAMED_GENOTYPES, load_genotype
from hnas.space.search_space import SearchSpace

__all__ = [
    "CELL_INPUTS",
    "NAMED_GENOTYPES",
    "NORMAL_OPERATIONS",
    "OPERATIONS",
    "UPSAMPLING_OPERATIONS",
    "Cell",
    "CellKind",
    "Edge",
    "Genotype",
    "Node",
    "SearchSpace",
    "load_genotype",
]
