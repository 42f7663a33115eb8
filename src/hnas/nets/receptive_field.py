"""How far an output pixel looks: what tiles must overlap by, so that seams cannot arise."""

from __future__ import annotations

from math import ceil

from hnas import space
from hnas.nets.network import Network

#: Radius in pixels of the operation's own input.
_RADIUS = {
    "identity": 0,
    "dil_conv_3x3": 2,
    "dil_conv_5x5": 4,
    "sep_conv_3x3": 2,
    "sep_conv_5x5": 4,
    "up_down_projection": 6,
    "rcab": 2,
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
    genotype = network.genotype
    scale = network.scale
    before_previous = previous = 1.0  # the stem
    for index in range(1, genotype.layers + 1):
        upsampling = index == genotype.position
        cell = genotype.upsampling if upsampling else genotype.normal
        pixel = 1.0 if index <= genotype.position else 1.0 / scale
        radius = max(_cell_radius(cell, (before_previous, previous), pixel, scale), previous)
        before_previous = radius if upsampling else previous
        previous = radius
    return max(ceil(previous + 1.0 / scale), _IMAGE_SKIP_RADIUS)


def _cell_radius(cell: space.Cell, inputs: tuple[float, float], pixel: float, scale: int) -> float:
    radii = dict(zip(space.CELL_INPUTS, inputs, strict=True))
    for index, node in enumerate(cell.nodes):
        radii[index] = max(radii[edge.source] + _edge_radius(cell.kind, edge, scale) * pixel for edge in node)
    return max(radii[index] for index in range(len(cell.nodes)))


def _edge_radius(kind: space.CellKind, edge: space.Edge, scale: int) -> float:
    if kind == "upsampling" and edge.source >= 0:
        # Between nodes the picture is large already and only deconvolution is more than the identity.
        return 1.0 / scale if edge.operation == "deconvolution" else 0.0
    return _RADIUS[edge.operation]


def is_global(network: Network) -> bool:
    """Whether the network has channel attention, whose pooled features depend on the whole picture."""
    cells = [network.genotype.normal] if network.genotype.layers > 1 else []
    return any(edge.operation == "rcab" for cell in cells for edge in cell.edges)
