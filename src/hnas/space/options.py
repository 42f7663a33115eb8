"""What a person may choose about a network, of which every architecture has some: its own settings say which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from hnas.errors import HnasError
from hnas.space.cells import Norm
from hnas.space.scales import ImageSkip

S = TypeVar("S")


@dataclass(frozen=True)
class ScaleOnly:
    """The settings of an architecture whose width and depth are in its name or its genotype.

    Attributes:
        scale: 2, 3 or 4; of chains also 1.
    """

    scale: int = 2


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """What was chosen about a network; None leaves it to the architecture, which has a default for what it has.

    Attributes:
        scale: 2, 3 or 4 (default 2); of chains also 1, which restores pictures at their own size.
        channels: the width: of networks of cells, C (default 64; their cells hand on nodes * C); of "plain" (32).
        depth: of "plain", the convolutions between the first and the last (12).
        image_skip: of networks of cells, what is added to the output: the input enlarged ("bicubic"), or nothing.
        cell_skip: of networks of cells, weight of a cell's output beside the path around it; 0 (default) is no path.
        norm: of networks of cells, normalisation after convolutions ("none").
    """

    scale: int | None = None
    channels: int | None = None
    depth: int | None = None
    image_skip: ImageSkip | None = None
    cell_skip: float | None = None
    norm: Norm | None = None

    def said(self) -> dict[str, Any]:
        """What was chosen, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def or_else(self, others: NetworkOptions, settings: type[Any]) -> NetworkOptions:
        """These, and where they say nothing the others, as far as an architecture with these settings has them.

        Others are meant for networks of any kind: those of a preset, or of all models of a plan.
        """
        names = _names(settings)
        return NetworkOptions(**{name: value for name, value in others.said().items() if name in names} | self.said())

    def settings(self, cls: type[S], *, of: str) -> S:
        """An architecture's own settings.

        Args:
            cls: their dataclass.
            of: the network's name, for the message.

        Raises:
            HnasError: something was chosen that the architecture does not have, or a value that it does not allow.
        """
        names = _names(cls)
        if strange := [name for name in self.said() if name not in names]:
            flags = ", ".join(map(flag, strange))
            raise HnasError(f"{of} has no {flags}; it takes {', '.join(map(flag, names))}, the rest is its own")
        return cls(**self.said())


def flag(name: str) -> str:
    """A setting as the command line calls it."""
    return f"--{name.replace('_', '-')}"


def options_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some values by name that are options of networks."""
    names = _names(NetworkOptions)
    return {name: value for name, value in values.items() if name in names}


def _names(cls: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))
