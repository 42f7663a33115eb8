"""The space of chains: widths, depths, places of the enlargement, and what each block may be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from random import Random
from typing import ClassVar, get_args

from hnas.errors import HnasError
from hnas.space.chain.blocks import BLOCKS
from hnas.space.chain.genotype import MAX_BLOCKS, MAX_WIDTH, ChainGenotype, Colour
from hnas.space.protocol import Choice, Head

#: Tokens of the network level: width, depth, blocks after the enlargement. Those of the blocks follow.
_NETWORK = 3


@dataclass(frozen=True)
class ChainSpace:
    """All chains of these widths and depths.

    Attributes:
        widths: channels, each 1 to 512.
        depths: numbers of blocks, each 1 to 128.
        blocks: what every block may be.
        after: how many blocks may follow the enlargement; none where it stands at the end.
        colour: of all.

    Raises:
        HnasError: a value outside these, repeated, or missing.
    """

    kind: ClassVar[str] = "chain"

    widths: tuple[int, ...] = (8, 16, 32)
    depths: tuple[int, ...] = (2, 4, 6, 8)
    blocks: tuple[str, ...] = ("conv_3x3",)
    after: tuple[int, ...] = (0,)
    colour: Colour = "luma"

    def __post_init__(self) -> None:
        for name, least, most in (("widths", 1, MAX_WIDTH), ("depths", 1, MAX_BLOCKS), ("after", 0, MAX_BLOCKS)):
            values = getattr(self, name)
            if not values or len(set(values)) != len(values) or not all(least <= value <= most for value in values):
                raise HnasError(f"{name} are {values}; allowed are one or more, once each, of {least} to {most}")
        known = all(name in BLOCKS for name in self.blocks)
        if not self.blocks or len(set(self.blocks)) != len(self.blocks) or not known:
            raise HnasError(f"blocks are {self.blocks}; allowed are one or more, once each, of {', '.join(BLOCKS)}")
        if max(self.after) > min(self.depths):
            raise HnasError(
                f"after is {max(self.after)}; allowed are at most as many blocks as the smallest of the depths has, "
                f"{min(self.depths)}"
            )
        if self.colour not in get_args(Colour):
            raise HnasError(f"colour is {self.colour!r}; allowed are {' and '.join(get_args(Colour))}")

    def __contains__(self, genotype: object) -> bool:
        return (
            isinstance(genotype, ChainGenotype)
            and genotype.width in self.widths
            and genotype.depth in self.depths
            and genotype.after in self.after
            and genotype.colour == self.colour
            and set(genotype.blocks) <= set(self.blocks)
        )

    @property
    def size(self) -> int:
        """How many genotypes there are."""
        return len(self.widths) * len(self.after) * sum(self._of_depth(depth) for depth in self.depths)

    def _of_depth(self, depth: int) -> int:
        """How many lists of blocks have this length."""
        return int(len(self.blocks) ** depth)

    def __iter__(self) -> Iterator[ChainGenotype]:
        """Every genotype, each once."""
        for width, depth, after in product(self.widths, self.depths, self.after):
            for blocks in product(self.blocks, repeat=depth):
                yield self._chain(width, blocks, after)

    def first(self) -> ChainGenotype:
        """The genotype of which every choice is the first option."""
        return self._chain(self.widths[0], self.blocks[:1] * self.depths[0], self.after[0])

    def _chain(self, width: int, blocks: tuple[str, ...], after: int) -> ChainGenotype:
        return ChainGenotype(width, blocks, self.colour, len(blocks) - after)

    @property
    def heads(self) -> tuple[Head, ...]:
        """Width, depth and place of the enlargement; then the blocks, for which the depth is known."""
        network = (
            Choice("width", len(self.widths)),
            Choice("depth", len(self.depths)),
            Choice("after", len(self.after)),
        )
        blocks = tuple(
            Choice("block", len(self.blocks), varies=index >= min(self.depths)) for index in range(max(self.depths))
        )
        return Head("network", "network", network), Head("blocks", "cell", blocks, sees=("network",))

    def encode(self, genotype: ChainGenotype) -> tuple[int, ...]:
        """See :class:`hnas.space.protocol.SpaceOf`; blocks that a chain has not are token 0."""
        network = (
            self.widths.index(genotype.width),
            self.depths.index(genotype.depth),
            self.after.index(genotype.after),
        )
        missing = max(self.depths) - genotype.depth
        return (*network, *(self.blocks.index(name) for name in genotype.blocks), *(0,) * missing)

    def decode(self, tokens: Sequence[int]) -> ChainGenotype:
        """See :class:`hnas.space.protocol.SpaceOf`."""
        width, depth, after = tokens[:_NETWORK]
        blocks = tokens[_NETWORK : _NETWORK + self.depths[depth]]
        return self._chain(self.widths[width], tuple(self.blocks[block] for block in blocks), self.after[after])

    def open_options(self, earlier: Sequence[int]) -> int:
        """See :class:`hnas.space.protocol.SpaceOf`; beyond the depth there is no block to choose."""
        index = len(earlier)
        if index < _NETWORK:
            return (len(self.widths), len(self.depths), len(self.after))[index]
        return len(self.blocks) if index - _NETWORK < self.depths[earlier[1]] else 1

    def sample(self, random: Random) -> ChainGenotype:
        """A genotype, each as likely as every other."""
        (depth,) = random.choices(self.depths, weights=[self._of_depth(depth) for depth in self.depths])
        return self._chain(random.choice(self.widths), self._blocks(depth, random), random.choice(self.after))

    def _blocks(self, count: int, random: Random) -> tuple[str, ...]:
        return tuple(random.choice(self.blocks) for _ in range(count))

    def neighbours(self, genotype: ChainGenotype) -> Iterator[ChainGenotype]:
        """Every genotype that differs in one choice; a deeper one goes on with the last block."""
        return chain.from_iterable(self._others(genotype, lambda count: (genotype.blocks[-1],) * count))

    def mutate(self, genotype: ChainGenotype, random: Random) -> ChainGenotype:
        """A genotype that differs in one choice; a deeper one goes on with random blocks.

        Raises:
            HnasError: the genotype is not of this space, or the space holds no other one.
        """
        if genotype not in self:
            raise HnasError("mutate takes a genotype of this search space")
        others = [some for some in self._others(genotype, lambda count: self._blocks(count, random)) if some]
        if not others:
            raise HnasError("this search space holds one genotype, so there is nothing to change it into")
        return random.choice(random.choice(others))

    def _others(self, genotype: ChainGenotype, more: Callable[[int], tuple[str, ...]]) -> Iterator[list[ChainGenotype]]:
        """For every choice, the genotypes that differ in it; ``more`` gives deeper ones their further blocks."""
        yield [replace(genotype, width=width) for width in self.widths if width != genotype.width]
        yield [
            self._chain(
                genotype.width, (genotype.blocks + more(max(0, depth - genotype.depth)))[:depth], genotype.after
            )
            for depth in self.depths
            if depth != genotype.depth
        ]
        yield [self._chain(genotype.width, genotype.blocks, after) for after in self.after if after != genotype.after]
        for index, old in enumerate(genotype.blocks):
            before, behind = genotype.blocks[:index], genotype.blocks[index + 1 :]
            yield [replace(genotype, blocks=(*before, name, *behind)) for name in self.blocks if name != old]

    def fair(self, count: int, random: Random) -> list[ChainGenotype]:
        """The deepest chains, whose forward passes hold all others: every width in turn, blocks drawn uniformly.

        Widths, and places of the enlargement, take turns across the group, which begins at a random one.
        """
        turns = list(product(self.after, self.widths))
        first = random.randrange(len(turns))
        return [
            self._chain(width, self._blocks(max(self.depths), random), after)
            for after, width in (turns[(first + index) % len(turns)] for index in range(count))
        ]
