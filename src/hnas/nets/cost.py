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
    used = cells_used(genotype, path_around=settings.cell_skip > 0)
    count_before = sum(index < genotype.position for index in used)
    count_after = sum(index > genotype.position for index in used)
    normal = Cost(count_before * before.macs + count_after * after.macs, (count_before + count_after) * before.params)
    return total + normal


def _cell_cost(cell: cells.Cell, settings: NetworkSettings, pixels: int) -> Cost:
    """The cost of one cell whose input has this many pixels."""
    squeeze = len(cell.nodes) * settings.channels**2
    params = squeeze + norm_params(settings.norm, settings.channels)
    inputs = sum(inputs_used(cell))
    total = Cost(inputs * squeeze * pixels, inputs * params)
    for edge in cell.edges:
        # Only edges from the inputs still work at the small size in an upsampling cell.
        enlarge = enlargement(cell.kind, edge, settings.scale)
        edge_pixels = pixels * settings.scale**2 if cell.kind == "upsampling" and enlarge == 1 else pixels
        operation = cells.operation_of(edge.operation)
        total += _edge_cost(operation.cost(settings.channels, enlarge, settings.norm), edge_pixels)
    return total


def _edge_cost(cost: cells.OperationCost, pixels: int) -> Cost:
    return Cost(cost.macs_per_pixel * pixels + cost.macs_per_picture, cost.params)
