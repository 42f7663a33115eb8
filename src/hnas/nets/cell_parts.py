"""The parts of a network of cells whose milliseconds add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from hnas.space.cells import CellGenotype

#: What every network has once: stem, tail, image skip, and the upsampling cell but for its edges.
ENDS = "ends"


def cell_parts(genotype: CellGenotype) -> Mapping[str, int]:
    """How often a network has each of its parts.

    These are the ends, and its edges by operation and place: normal cells before (``small``) and after (``large``) the
    enlargement, edges of the upsampling cell from its inputs and between its nodes. What else a normal cell does comes
    in equal shares with its edges, since all of them have as many.
    """
    before, after = genotype.position - 1, genotype.layers - genotype.position
    parts: Counter[str] = Counter({ENDS: 1})
    for edge in genotype.normal.edges:
        parts[f"small/{edge.operation}"] += before
        parts[f"large/{edge.operation}"] += after
    for edge in genotype.upsampling.edges:
        parts[f"upsampling/{'input' if edge.source < 0 else 'node'}/{edge.operation}"] += 1
    return +parts
