"""The parts of a network of cells whose milliseconds add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from hnas.nets.cell import cells_used, inputs_used
from hnas.space.cells import CellGenotype

#: What every network has once: stem, tail, image skip, and the upsampling cell but for its edges.
ENDS = "ends"


def cell_parts(genotype: CellGenotype) -> Mapping[str, int]:
    """How often a network has each of its parts.

    These are the ends; its edges by operation and place: normal cells before (``small``) and after (``large``) the
    enlargement, edges of the upsampling cell from its inputs and between its nodes; and the inputs that its cells take.
    What else a normal cell does comes in equal shares with its edges, since all of them have as many.
    """
    used = cells_used(genotype, path_around=False)  # as in the networks that costs are meant for
    before = sum(index < genotype.position for index in used)
    after = sum(index > genotype.position for index in used)
    parts: Counter[str] = Counter({ENDS: 1})
    parts["small/input"] = before * sum(inputs_used(genotype.normal))
    parts["large/input"] = after * sum(inputs_used(genotype.normal))
    parts["upsampling/input"] = sum(inputs_used(genotype.upsampling))
    for edge in genotype.normal.edges:
        parts[f"small/{edge.operation}"] += before
        parts[f"large/{edge.operation}"] += after
    for edge in genotype.upsampling.edges:
        parts[f"upsampling/{'input' if edge.source < 0 else 'node'}/{edge.operation}"] += 1
    return +parts
