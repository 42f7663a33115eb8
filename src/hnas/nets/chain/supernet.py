"""The supernet of chains: a trunk for every width, with an exit wherever a chain may end.

One forward pass along a trunk gives the picture of every depth (Wang et al., "Resource Aware Person
Re-identification", 2018, and others train such exits together). The last block before an exit is the exit's own.
Weights are not shared between widths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from hnas.errors import HnasError
from hnas.nets.chain.network import ChainNetwork, Exit, seen, stem
from hnas.nets.common import enlarge_image
from hnas.nets.gates import gated
from hnas.space.chain import BLOCKS, ChainGenotype, ChainSpace

#: The learning rate of a search is that of this width; wider trunks need less, as the inverse of their width.
_RATE_WIDTH = 16


class _Choice(nn.ModuleDict):
    """One place in a trunk: every block that may stand there."""

    def __init__(self, blocks: Sequence[str], width: int) -> None:
        super().__init__({name: BLOCKS[name].build(width) for name in blocks})


class _SharedExit(nn.Module):
    """An exit with blocks of its own: those after the enlargement, or where there are none, the last one.

    Args:
        space: what blocks are chosen from.
        width: of the trunk.
        scale: by how much it enlarges.
        after: how many blocks come after the enlargement.
    """

    def __init__(self, space: ChainSpace, width: int, scale: int, after: int) -> None:
        super().__init__()
        self.ends = Exit(width, space.colour, scale, [nn.Identity() for _ in range(after)])
        self.own = nn.ModuleList(_Choice(space.blocks, width) for _ in range(_own_blocks(after)))

    def forward(self, features: Tensor, blocks: Sequence[str], gates: Sequence[Tensor | None]) -> Tensor:
        """Shapes: (N, width, H, W) to (N, 1 or 3, scale * H, scale * W); a gate, or None, for every block."""
        if self.ends.grow is not None:
            features = self.ends.grow(features)
        for choice, name, gate in zip(self.own, blocks, gates, strict=True):
            features = gated(choice.get_submodule(name)(features), gate)
        change: Tensor = self.ends.shuffle(self.ends.tail(features))
        return change


class Trunk(nn.Module):
    """All chains of one width.

    Args:
        space: which ones.
        width: channels.
        scale: by how much they enlarge.
    """

    def __init__(self, space: ChainSpace, width: int, scale: int) -> None:
        super().__init__()
        self.space = space
        self.stem = stem(width, space.colour)
        places = max(space.depths) - min(map(_own_blocks, space.after))
        self.places = nn.ModuleList(_Choice(space.blocks, width) for _ in range(places))
        self.exits = nn.ModuleDict(
            {
                _key(depth, after): _SharedExit(space, width, scale, after)
                for depth in space.depths
                for after in space.after
            }
        )

    def changes(
        self, x: Tensor, genotype: ChainGenotype, *, shallower: bool, gates: Sequence[Tensor] | None = None
    ) -> Iterator[Tensor]:
        """What the chain, and with ``shallower`` those that end earlier on its way, add to the enlarged picture.

        ``gates`` are factors on what its blocks give.
        """
        features = F.relu(self.stem(x))
        of_blocks = [None] * genotype.depth if gates is None else list(gates)
        own = _own_blocks(genotype.after)
        for done in range(genotype.depth - own + 1):
            depth = done + own
            if depth in self.space.depths and (shallower or depth == genotype.depth):
                leave = self.exits[_key(depth, genotype.after)]
                yield leave(features, genotype.blocks[done:depth], of_blocks[done:depth])
            if depth < genotype.depth:
                block = self.places[done].get_submodule(genotype.blocks[done])
                features = gated(block(features), of_blocks[done])


class ChainSupernet(nn.Module):
    """Shared weights for all chains of a space.

    Args:
        space: which chains it can evaluate.
        scale: by how much they enlarge.
    """

    #: A picture is what it is whatever else is in its batch.
    whole_batch = False

    def __init__(self, space: ChainSpace, scale: int) -> None:
        super().__init__()
        self.space, self.scale = space, scale
        self.trunks = nn.ModuleDict({str(width): Trunk(space, width, scale) for width in space.widths})

    def forward(self, x: Tensor, genotype: ChainGenotype, gates: Tensor | None = None) -> Tensor:
        """The picture of one chain: (N, 3, H, W) RGB in [0, 1] to (N, 3, scale * H, scale * W), not clamped.

        Args:
            x: pictures.
            genotype: of the supernet's space.
            gates: a factor for every decision: those of the blocks are on what these give, and those of width, depth
                and place of the enlargement are on all that the chain adds to the enlarged picture.

        Raises:
            HnasError: the genotype is not of this space.
        """
        (picture,) = self._pictures(x, genotype, shallower=False, gates=gates)
        return picture

    def pictures(self, x: Tensor, genotype: ChainGenotype) -> Sequence[Tensor]:
        """The pictures of the chain and of all that end earlier on its way, from one forward pass.

        Raises:
            HnasError: the genotype is not of this space.
        """
        return self._pictures(x, genotype, shallower=True)

    def _pictures(
        self, x: Tensor, genotype: ChainGenotype, *, shallower: bool, gates: Tensor | None = None
    ) -> list[Tensor]:
        if genotype not in self.space:
            raise HnasError(f"this genotype is not in the supernet's space ({self.space})")
        enlarged = enlarge_image(x, self.scale, "bicubic")
        trunk = self._trunk(genotype.width)
        whole, of_blocks = (None, None) if gates is None else self._of_blocks(gates, genotype.depth)
        changes = trunk.changes(self.seen(x), genotype, shallower=shallower, gates=of_blocks)
        return [enlarged + gated(change, whole) for change in changes]

    def _of_blocks(self, gates: Tensor, depth: int) -> tuple[Tensor, Sequence[Tensor]]:
        """Of all that a chain adds, and of each of its blocks: the last decisions of its space."""
        first = len(gates) - max(self.space.depths)
        return gates[:first].prod(), tuple(gates[first : first + depth])

    def _trunk(self, width: int) -> Trunk:
        trunk = self.trunks[str(width)]
        assert isinstance(trunk, Trunk)
        return trunk

    def seen(self, picture: Tensor) -> Tensor:
        """What of a picture training compares, see :meth:`hnas.nets.chain.network.ChainNetwork.seen`."""
        return seen(picture, self.space.colour)

    def member(self, genotype: ChainGenotype) -> ChainNetwork:
        """The network of a chain with the weights that it has here: shared weights are its weights."""
        trunk = self._trunk(genotype.width)
        network = ChainNetwork(genotype, self.scale)
        shared_exit = trunk.exits[_key(genotype.depth, genotype.after)]
        assert isinstance(shared_exit, _SharedExit)
        shared = genotype.depth - _own_blocks(genotype.after)
        places = [*trunk.places[:shared], *shared_exit.own]
        blocks = [place.get_submodule(name) for place, name in zip(places, genotype.blocks, strict=True)]
        own = [*network.body, *network.head.late]
        for mine, theirs in zip((network.stem, *own), (trunk.stem, *blocks), strict=True):
            mine.load_state_dict(theirs.state_dict())
        network.head.tail.load_state_dict(shared_exit.ends.tail.state_dict())
        if network.head.grow is not None and shared_exit.ends.grow is not None:
            network.head.grow.load_state_dict(shared_exit.ends.grow.state_dict())
        return network.eval()

    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """Parameters of every trunk with what their learning rate is multiplied by."""
        return [
            (list(self.trunks[str(width)].parameters()), min(1.0, _RATE_WIDTH / width)) for width in self.space.widths
        ]


def _own_blocks(after: int) -> int:
    """How many blocks of an exit are its own: without one, a trunk's features must serve the exit and what follows."""
    return max(after, 1)


def _key(depth: int, after: int) -> str:
    return f"{depth}-{after}"
