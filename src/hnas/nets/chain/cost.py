"""What a chain costs, read off its genotype: multiply-adds of the folded graph, parameters of the trained network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TypeVar

import torch
from torch import Tensor

from hnas.nets.chain.network import channels_of
from hnas.nets.counting import LR_SIZE, Cost, ExpectedCost
from hnas.space.chain import BLOCKS, ChainGenotype, ChainSpace, Colour

#: The bicubic enlargement's 5x5 filters.
_SKIP = 25
#: Decisions of the network level: width, depth, place of the enlargement.
_NETWORK = 3
#: Of convolutions: a whole number, or their expectation.
N = TypeVar("N", int, Tensor)


def chain_cost(genotype: ChainGenotype, scale: int, *, lr_size: tuple[int, int] = LR_SIZE) -> Cost:
    """The cost of a chain for one 3 x H x W input.

    Args:
        genotype: what is built.
        scale: by how much it enlarges.
        lr_size: (height, width) of the low-resolution input in pixels.
    """
    small = lr_size[0] * lr_size[1]
    convolutions = [BLOCKS[name].convolutions for name in genotype.blocks]
    early, late = sum(convolutions[: genotype.enlargement]), sum(convolutions[genotype.enlargement :])
    macs, params = _cost(genotype.width, bool(genotype.after), early, late, colour=genotype.colour, scale=scale)
    return Cost(macs * small, params)


def _cost(width: int, grows: bool, early: N, late: N, *, colour: Colour, scale: int) -> tuple[N, N]:
    """Multiply-adds of a pixel, and parameters.

    Args:
        width: of the chain.
        grows: whether blocks follow the enlargement.
        early: convolutions before it.
        late: convolutions after it.
        colour: of the chain.
        scale: by how much it enlarges.
    """
    more, colours = scale**2, channels_of(colour)
    macs = 9 * 3 * width + early * 9 * width**2 + _SKIP * 3 * 3 * more
    params = 9 * colours * width + width + (early + late) * (9 * width**2 + width)
    if grows:
        macs += 9 * width * width * more + more * (late * 9 * width**2 + 9 * width * 3)
        params += 9 * width * width * more + width * more + 9 * width * colours + colours
    else:
        macs += 9 * width * 3 * more
        params += 9 * width * colours * more + colours * more
    return macs, params


def expected_chain_cost(
    space: ChainSpace, probabilities: Sequence[Tensor], scale: int, *, lr_size: tuple[int, int] = LR_SIZE
) -> ExpectedCost:
    """The mean of :func:`chain_cost` over the chains of a space, exactly.

    Args:
        space: of the chains.
        probabilities: of every decision's options, in the order of the space's heads; decisions are independent.
        scale: by how much the chains enlarge.
        lr_size: (height, width) of the low-resolution input in pixels.
    """
    network, of_blocks = probabilities[:_NETWORK], probabilities[_NETWORK:]
    zero = network[0].new_zeros(())
    each = zero.new_tensor([BLOCKS[name].convolutions for name in space.blocks])
    # Convolutions of the first so many blocks: what a place has does not hang on where the chain ends.
    first = torch.stack([zero, *(options @ each for options in of_blocks)]).cumsum(0)
    macs = params = zero
    for places in product(*(range(len(options)) for options in network)):
        likely = torch.stack([options[place] for options, place in zip(network, places, strict=True)]).prod()
        width, depth, after = space.widths[places[0]], space.depths[places[1]], space.after[places[2]]
        early, late = first[depth - after], first[depth] - first[depth - after]
        cost = _cost(width, bool(after), early, late, colour=space.colour, scale=scale)
        macs, params = macs + likely * cost[0], params + likely * cost[1]
    return ExpectedCost(macs * (lr_size[0] * lr_size[1]), params)
