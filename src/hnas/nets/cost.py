"""What a network of cells costs: multiply-adds and parameters, read off the genotype without building anything.

Conventions: MACs of all convolutions, transposed ones included, as ``torch.utils.flop_counter`` counts them (its
FLOPs halved); interpolation, activation, normalisation and addition count as nothing.
"""

from __future__ import annotations

from hnas.nets.cell import cells_used, enlargement, inputs_used
from hnas.nets.counting import LR_SIZE, Cost
from hnas.space import cells
from hnas.space.cells import NetworkSettings
from hnas.space.cells.operations import norm_params


def network_cost(
    genotype: cells.CellGenotype, settings: NetworkSettings, *, lr_size: tuple[int, int] = LR_SIZE
) -> Cost:
    """The cost of ``Network(genotype, settings)`` for one 3 x H x W input.

    Args:
        genotype: what is built.
        settings: its width, scale and normalisation.
        lr_size: (height, width) of the low-resolution input in pixels.
    """
    small = lr_size[0] * lr_size[1]
    large = small * settings.scale**2
    wide = len(genotype.normal.nodes) * settings.channels
    ends = 3 * wide * 9
    total = Cost(ends * small + ends * large, 2 * ends)
    total += _cell_cost(genotype.upsampling, settings, small)
    before = _cell_cost(genotype.normal, settings, small)
    after = _cell_cost(genotype.normal, settings, large)
    count_before, count_after = normal_cells(genotype, path_around=settings.cell_skip > 0)
    normal = Cost(count_before * before.macs + count_after * after.macs, (count_before + count_after) * before.params)
    return total + normal


def normal_cells(genotype: cells.CellGenotype, *, path_around: bool) -> tuple[int, int]:
    """How many normal cells that the picture depends on stand before, and after, the upsampling cell."""
    used = cells_used(genotype, path_around=path_around)
    return sum(index < genotype.position for index in used), sum(index > genotype.position for index in used)


def _cell_cost(cell: cells.Cell, settings: NetworkSettings, pixels: int) -> Cost:
    """The cost of one cell whose input has this many pixels."""
    squeeze = squeeze_cost(len(cell.nodes), settings)
    inputs = sum(inputs_used(cell))
    total = Cost(inputs * squeeze.macs * pixels, inputs * squeeze.params)
    for edge in cell.edges:
        total += edge_cost(cell.kind, edge, settings, pixels)
    return total


def edge_cost(kind: cells.CellKind, edge: cells.Edge, settings: NetworkSettings, pixels: int) -> Cost:
    """The cost of an edge of a cell whose input has this many pixels."""
    # Only edges from the inputs still work at the small size in an upsampling cell.
    enlarge = enlargement(kind, edge, settings.scale)
    if kind == "upsampling" and enlarge == 1:
        pixels *= settings.scale**2
    cost = cells.operation_of(edge.operation).cost(settings.channels, enlarge, settings.norm)
    return Cost(cost.macs_per_pixel * pixels + cost.macs_per_picture, cost.params)


def squeeze_cost(nodes: int, settings: NetworkSettings) -> Cost:
    """What an input of a cell goes through, for every pixel."""
    weights = nodes * settings.channels**2
    return Cost(weights, weights + norm_params(settings.norm, settings.channels))
