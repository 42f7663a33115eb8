"""How far an output pixel looks: what tiles must overlap by, so that seams cannot arise."""

from __future__ import annotations

from math import ceil, inf

from hnas.nets.bicubic import RADIUS
from hnas.nets.cell import enlargement, input_cells
from hnas.space import cells


def cell_margins(genotype: cells.CellGenotype, scale: int) -> list[int]:
    """How much margin around a tile the picture and the inputs of every cell need, in low-resolution pixels.

    What pools averages over the whole picture beside that.

    Args:
        genotype: of the network.
        scale: by how much that enlarges.

    Returns:
        ``layers + 1`` numbers, none larger than the one before it: the first is that of the picture, the last that of
        the last cell's inputs.
    """
    # How far the result looks into the output of every cell (0: the stem), and cell by cell into its inputs.
    outputs = [0.0] * genotype.layers + [1.0 / scale]
    margins = [0] * (genotype.layers + 1)
    for index in range(genotype.layers, 0, -1):
        cell = genotype.cell_at(index)
        pixel = 1.0 if index <= genotype.position else 1.0 / scale
        radii = _input_radii(cell, pixel, scale)
        for source, radius in (*zip(input_cells(genotype, index), radii, strict=True), (index - 1, 0.0)):  # path around
            outputs[source] = max(outputs[source], outputs[index] + radius)
        least = RADIUS if index == genotype.layers else margins[index + 1]
        margins[index] = max(ceil(outputs[index] + max(radii)), least)
    margins[0] = max(ceil(outputs[0] + 1.0), margins[1])  # the stem
    return margins


def _input_radii(cell: cells.Cell, pixel: float, scale: int) -> tuple[float, float]:
    """How far a cell's output looks into each of its inputs."""
    found = []
    for start in cells.CELL_INPUTS:
        radii = {source: 0.0 if source == start else -inf for source in cells.CELL_INPUTS}
        for index, node in enumerate(cell.nodes):
            radii[index] = max(radii[edge.source] + _edge_radius(cell.kind, edge, scale) * pixel for edge in node)
        found.append(max(0.0, *(radii[index] for index in range(len(cell.nodes)))))
    return found[0], found[1]


def _edge_radius(kind: cells.CellKind, edge: cells.Edge, scale: int) -> float:
    enlarge = enlargement(kind, edge, scale)
    radius = cells.operation_of(edge.operation).radius(enlarge)
    # Between the nodes of an upsampling cell the picture is large already.
    return radius / scale if kind == "upsampling" and enlarge == 1 else radius
