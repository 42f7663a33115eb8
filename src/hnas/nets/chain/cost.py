"""What a chain costs, read off its genotype: multiply-adds of the folded graph, parameters of the trained network."""

from __future__ import annotations

from hnas.nets.chain.network import channels_of
from hnas.nets.counting import LR_SIZE, Cost
from hnas.space.chain import BLOCKS, ChainGenotype

#: The bicubic enlargement's 5x5 filters.
_SKIP = 25


def chain_cost(genotype: ChainGenotype, scale: int, *, lr_size: tuple[int, int] = LR_SIZE) -> Cost:
    """The cost of a chain for one 3 x H x W input.

    Args:
        genotype: what is built.
        scale: by how much it enlarges.
        lr_size: (height, width) of the low-resolution input in pixels.
    """
    small = lr_size[0] * lr_size[1]
    width, more, colours = genotype.width, scale**2, channels_of(genotype.colour)
    convolutions = [BLOCKS[name].convolutions for name in genotype.blocks]
    early, late = sum(convolutions[: genotype.enlargement]), sum(convolutions[genotype.enlargement :])
    macs = 9 * 3 * width + early * 9 * width**2 + _SKIP * 3 * 3 * more
    params = 9 * colours * width + width + (early + late) * (9 * width**2 + width)
    if genotype.after:
        macs += 9 * width * width * more + more * (late * 9 * width**2 + 9 * width * 3)
        params += 9 * width * width * more + width * more + 9 * width * colours + colours
    else:
        macs += 9 * width * 3 * more
        params += 9 * width * colours * more + colours * more
    return Cost(macs * small, params)
