"""What the genotypes of a space stand for: their networks, shared weights and costs, behind one interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, cast

from torch import Tensor, nn

from hnas.nets.cell_parts import cell_parts
from hnas.nets.chain import ChainNetwork, ChainSupernet, chain_cost, chain_parts, expected_chain_cost
from hnas.nets.common import refuse_large
from hnas.nets.cost import network_cost
from hnas.nets.counting import Cost, ExpectedCost
from hnas.nets.expected_cost import expected_network_cost
from hnas.nets.network import Network
from hnas.nets.supernet import Sharing, Supernet, SupernetSettings
from hnas.space import Genotype
from hnas.space.cells import CellGenotype, CellSpace, NetworkSettings, Norm
from hnas.space.chain import ChainGenotype, ChainSpace
from hnas.space.options import NetworkOptions, ScaleOnly
from hnas.space.scales import ImageSkip


class SharedWeights(Protocol):
    """A module with one set of weights for all genotypes of a space.

    Attributes:
        scale: by how much it enlarges.
        whole_batch: whether a picture hangs on the others in its batch.
    """

    scale: Any
    whole_batch: Any

    def __call__(self, x: Tensor, genotype: Any, gates: Tensor | None = None) -> Tensor:
        """The picture of one genotype: (N, 3, H, W) to (N, 3, scale * H, scale * W).

        ``gates`` (n,) are factors on what each of its n decisions chose, in the order of the space's heads.
        """

    def pictures(self, x: Tensor, genotype: Any) -> Sequence[Tensor]:
        """All pictures that one forward pass gives to train on, its own among them."""

    def seen(self, picture: Tensor) -> Tensor:
        """What of a picture training compares."""

    def member(self, genotype: Any) -> nn.Module | None:
        """The genotype's network with the weights that it has here; None where those are not its own."""

    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """All parameters, each group with what its learning rate is multiplied by."""


class Family(Protocol):
    """The networks of one space, at the sizes that a search is for.

    Attributes:
        settings: the dataclass of what a network outside any search has besides its genotype.
    """

    settings: ClassVar[type[Any]]

    def supernet(self, space: Any) -> nn.Module:
        """Shared weights (:class:`SharedWeights`) for a space, drawn from torch's global generator."""

    def width(self, space: Any) -> int:
        """Channels of the widest convolutions of a supernet for a space: C of cells."""

    def network(self, genotype: Any) -> nn.Module:
        """The network as it is scored, with fresh weights."""

    def target(self, genotype: Any) -> nn.Module:
        """The network as it is trained in the end, with fresh weights."""

    def cost(self, genotype: Any, lr_size: tuple[int, int]) -> Cost:
        """What the target costs for a low-resolution picture of this size (height, width)."""

    def expected_cost(self, space: Any, probabilities: Sequence[Tensor], lr_size: tuple[int, int]) -> ExpectedCost:
        """What targets cost on average where every decision is drawn from probabilities of its own.

        Args:
            space: of the genotypes.
            probabilities: of every decision's options, in the order of the space's heads.
            lr_size: (height, width) of the low-resolution picture.
        """

    @classmethod
    def alone(cls, genotype: Any, settings: Any) -> nn.Module:
        """The network by itself, outside any search, with fresh weights; ``settings`` are of the class above.

        Raises:
            HnasError: too large a network.
        """

    def parts(self, genotype: Any) -> Mapping[str, int]:
        """How often the target has each of its parts, whose milliseconds add up."""

    @property
    def traits(self) -> Mapping[str, int]:
        """What time hangs on beside the genotype, such as the scale."""


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Networks of cells; the fields are settings of a search by their names."""

    settings: ClassVar[type[Any]] = NetworkSettings

    scale: int
    nodes: int
    channels: int
    target_channels: int
    image_skip: ImageSkip
    cell_skip: float
    norm: Norm
    sharing: Sharing

    @property
    def _scored(self) -> NetworkSettings:
        return NetworkSettings(self.channels, self.scale, self.image_skip, self.cell_skip, self.norm)

    @property
    def _target(self) -> NetworkSettings:
        return NetworkSettings(channels=self.target_channels, scale=self.scale)

    def supernet(self, space: CellSpace) -> nn.Module:
        """See :class:`Family`."""
        return Supernet(space, SupernetSettings(self._scored, sharing=self.sharing))

    def width(self, space: CellSpace) -> int:
        """See :class:`Family`."""
        return self.channels

    def network(self, genotype: CellGenotype) -> nn.Module:
        """See :class:`Family`."""
        return Network(genotype, self._scored)

    def target(self, genotype: CellGenotype) -> nn.Module:
        """See :class:`Family`."""
        return Network(genotype, self._target)

    def cost(self, genotype: CellGenotype, lr_size: tuple[int, int]) -> Cost:
        """See :class:`Family`."""
        return network_cost(genotype, self._target, lr_size=lr_size)

    def expected_cost(
        self, space: CellSpace, probabilities: Sequence[Tensor], lr_size: tuple[int, int]
    ) -> ExpectedCost:
        """See :class:`Family`."""
        return expected_network_cost(space, probabilities, self._target, lr_size=lr_size)

    @classmethod
    def alone(cls, genotype: CellGenotype, settings: NetworkSettings) -> nn.Module:
        """See :class:`Family`."""
        refuse_large(network_cost(genotype, settings).params)
        return Network(genotype, settings)

    def parts(self, genotype: CellGenotype) -> Mapping[str, int]:
        """See :class:`Family`."""
        return cell_parts(genotype)

    @property
    def traits(self) -> Mapping[str, int]:
        """See :class:`Family`."""
        return {"scale": self.scale, "channels": self.target_channels}


@dataclass(frozen=True, kw_only=True)
class Chains:
    """Networks of plain chains; the fields are settings of a search by their names."""

    settings: ClassVar[type[Any]] = ScaleOnly

    scale: int

    def supernet(self, space: ChainSpace) -> nn.Module:
        """See :class:`Family`."""
        return ChainSupernet(space, self.scale)

    def width(self, space: ChainSpace) -> int:
        """See :class:`Family`."""
        return max(space.widths)

    def network(self, genotype: ChainGenotype) -> nn.Module:
        """See :class:`Family`."""
        return ChainNetwork(genotype, self.scale)

    target = network

    def cost(self, genotype: ChainGenotype, lr_size: tuple[int, int]) -> Cost:
        """See :class:`Family`."""
        return chain_cost(genotype, self.scale, lr_size=lr_size)

    def expected_cost(
        self, space: ChainSpace, probabilities: Sequence[Tensor], lr_size: tuple[int, int]
    ) -> ExpectedCost:
        """See :class:`Family`."""
        return expected_chain_cost(space, probabilities, self.scale, lr_size=lr_size)

    @classmethod
    def alone(cls, genotype: ChainGenotype, settings: ScaleOnly) -> nn.Module:
        """See :class:`Family`."""
        refuse_large(chain_cost(genotype, settings.scale).params)
        return ChainNetwork(genotype, settings.scale)

    def parts(self, genotype: ChainGenotype) -> Mapping[str, int]:
        """See :class:`Family`."""
        return chain_parts(genotype)

    @property
    def traits(self) -> Mapping[str, int]:
        """See :class:`Family`."""
        return {"scale": self.scale}


#: By the kind of their genotypes.
FAMILIES: Mapping[str, type[Any]] = {"cells": Cells, "chain": Chains}


def family_of(kind: str, settings: object) -> Family:
    """The networks of a kind of genotypes, their fields taken from settings by name."""
    made = FAMILIES[kind]
    return cast(Family, made(**{field.name: getattr(settings, field.name) for field in fields(made)}))


def network_of(genotype: Genotype, options: NetworkOptions) -> nn.Module:
    """The stand-alone network of a genotype of any kind, with fresh weights.

    Args:
        genotype: what is built.
        options: what was chosen besides, for all kinds the scale.

    Raises:
        HnasError: something was chosen that this kind of network does not have.
    """
    family = FAMILIES[genotype.kind]
    settings = options.settings(family.settings, of=f"a network of {genotype.kind}")
    return cast(nn.Module, family.alone(genotype, settings))
