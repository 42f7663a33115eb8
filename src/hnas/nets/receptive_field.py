"""How far an output pixel looks: what tiles must overlap by, so that seams cannot arise."""

from __future__ import annotations

from math import ceil, inf

from hnas.nets.cell import input_cells
from hnas.nets.network import Network
from hnas.space import cells

#: Radius in pixels of the operation's own input.
_RADIUS = {
    "identity": 0,
    "dil_conv_3x3": 2,
    "dil_conv_5x5": 4,
    "sep_conv_3x3": 2,
    "sep_conv_5x5": 4,
    "up_down_projection": 6,
    "rcab": 2,
    "conv_3x3": 1,
    "area": 1,
    "bilinear": 1,
    "nearest": 1,
    "sub_pixel": 1,
    "deconvolution": 1,
}

#: Torch's bicubic enlargement looks two pixels around.
_IMAGE_SKIP_RADIUS = 2


def receptive_radius(network: Network) -> int:
    """The radius in low-resolution pixels within which an output pixel depends on the input.

    Channel attention (``rcab``) pools the whole picture beside that, see :func:`is_global`.
    """
    return cell_margins(network)[0]


def cell_margins(network: Network) -> list[int]:
    """How much margin around a tile the picture and the inputs of every cell need, in low-resolution pixels.

    Returns:
        ``layers + 1`` numbers, none larger than the one before it: the first is that of the picture, the last that of
        the last cell's inputs.
    """
    genotype, scale = network.genotype, network.scale
    # How far the result looks into the output of every cell (0: the stem), and cell by cell into its inputs.
    outputs = [0.0] * genotype.layers + [1.0 / scale]
    margins = [0] * (genotype.layers + 1)
    for index in range(genotype.layers, 0, -1):
        upsampling = index == genotype.position
        cell = genotype.upsampling if upsampling else genotype.normal
        pixel = 1.0 if index <= genotype.position else 1.0 / scale
        radii = _input_radii(cell, pixel, scale)
        for source, radius in (*zip(input_cells(genotype, index), radii, strict=True), (index - 1, 0.0)):  # path around
            outputs[source] = max(outputs[source], outputs[index] + radius)
        least = _IMAGE_SKIP_RADIUS if index == genotype.layers else margins[index + 1]
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
    if kind == "upsampling" and edge.source >= 0:
        # Between nodes the picture is large already and only deconvolution is more than the identity.
        return 1.0 / scale if edge.operation == "deconvolution" else 0.0
    return _RADIUS[edge.operation]


def is_global(network: Network) -> bool:
    """Whether the network has channel attention, whose pooled features depend on the whole picture."""
    normal = network.used - {network.genotype.position}
    return bool(normal) and any(edge.operation == "rcab" for edge in network.genotype.normal.edges)
