"""What networks of cells cost on average where their decisions are drawn, with the gradient of the probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

import torch
from torch import Tensor

from hnas.nets.cost import edge_cost, normal_cells, squeeze_cost
from hnas.nets.counting import LR_SIZE, ExpectedCost
from hnas.space import cells
from hnas.space.cells import NetworkSettings

#: Which of a cell's inputs its edges take.
_INPUTS = ((True, False), (False, True), (True, True))


def expected_network_cost(
    space: cells.CellSpace,
    probabilities: Sequence[Tensor],
    settings: NetworkSettings,
    *,
    lr_size: tuple[int, int] = LR_SIZE,
) -> ExpectedCost:
    """The mean of :func:`hnas.nets.cost.network_cost` over the genotypes of a space, exactly.

    A cell counts its edges and inputs, and how many cells count hangs on the position and on which inputs both kinds of
    cells take: sums over edges, and one over these few cases.

    Args:
        space: of the genotypes.
        probabilities: of every decision's options, in the order of the space's heads; decisions are independent.
        settings: width, scale and normalisation of the networks.
        lr_size: (height, width) of the low-resolution input in pixels.
    """
    *edges, position = probabilities
    middle, small = len(edges) // 2, lr_size[0] * lr_size[1]
    large, ends = small * settings.scale**2, 3 * space.nodes * settings.channels * 9
    squeeze = squeeze_cost(space.nodes, settings)
    normal, upsampling = edges[:middle], edges[middle:]
    taken = position.new_tensor([sum(inputs) for inputs in _INPUTS])
    takes_normal, takes_upsampling = _inputs_taken(normal), _inputs_taken(upsampling)
    of_upsampling = _edges_cost(space, "upsampling", upsampling, settings, small)
    of_normal = [_edges_cost(space, "normal", normal, settings, pixels) for pixels in (small, large)]
    macs = ends * (small + large) + of_upsampling.macs + (takes_upsampling @ taken) * squeeze.macs * small
    params = 2 * ends + of_upsampling.params + (takes_upsampling @ taken) * squeeze.params
    counts = _counts(space.layers, settings.cell_skip > 0)
    # (position, inputs of the normal cell, inputs of the upsampling cell)
    likely = position[:, None, None] * takes_normal[:, None] * takes_upsampling
    for pixels, cost, count in zip((small, large), of_normal, (counts[..., 0], counts[..., 1]), strict=True):
        times = likely * count.to(likely)
        inputs = (times * taken[:, None]).sum()
        macs = macs + times.sum() * cost.macs + inputs * squeeze.macs * pixels
        params = params + times.sum() * cost.params + inputs * squeeze.params
    return ExpectedCost(macs, params)


def _inputs_taken(choices: Sequence[Tensor]) -> Tensor:
    """(3,): how likely the edges of a cell take the inputs :data:`_INPUTS`."""
    sources = [choice for start in range(0, len(choices), 4) for choice in choices[start : start + 2]]
    without_first, without_second, without = (
        torch.stack([1.0 - options[list(which)].sum() for options in sources]).prod() for which in ((0,), (1,), (0, 1))
    )
    first, second = without_second - without, without_first - without
    return torch.stack([first, second, 1.0 - first - second - without])


def _edges_cost(
    space: cells.CellSpace, kind: cells.CellKind, choices: Sequence[Tensor], settings: NetworkSettings, pixels: int
) -> ExpectedCost:
    """Of all edges of a cell, whose source and operation are drawn independently."""
    macs = params = choices[0].new_zeros(())
    for source, options, sources in _of_edges(space, choices):
        costs = [
            [edge_cost(kind, cells.Edge(name, start), settings, pixels) for name in space.operations(kind)]
            for start in sources
        ]
        macs = macs + source @ source.new_tensor([[cost.macs for cost in row] for row in costs]) @ options
        params = params + source @ source.new_tensor([[cost.params for cost in row] for row in costs]) @ options
    return ExpectedCost(macs, params)


def _of_edges(space: cells.CellSpace, choices: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor, tuple[int, ...]]]:
    """Probabilities of the source and of the operation of every edge, and the sources that there are."""
    for node, slot in product(range(space.nodes), range(2)):
        yield choices[4 * node + slot], choices[4 * node + 2 + slot], space.sources(node)


@cache
def _counts(layers: int, path_around: bool) -> Tensor:
    """(layers, 3, 3, 2): normal cells before and after the upsampling cell, by its position and by :data:`_INPUTS` of
    the normal and of the upsampling cell."""

    def cell(kind: cells.CellKind, inputs: tuple[bool, bool]) -> cells.Cell:
        first, *others = (source for source, taken in zip(cells.CELL_INPUTS, inputs, strict=True) if taken)
        name = next(iter(cells.OPERATIONS[kind]))
        return cells.Cell(kind, ((cells.Edge(name, first), cells.Edge(name, (*others, first)[0])),))

    rows = [
        normal_cells(
            cells.CellGenotype(layers, position, cell("normal", normal), cell("upsampling", upsampling)),
            path_around=path_around,
        )
        for position, normal, upsampling in product(range(1, layers + 1), _INPUTS, _INPUTS)
    ]
    return torch.tensor(rows).view(layers, len(_INPUTS), len(_INPUTS), 2)
