"""What a model says of itself, whichever network it is: its scale, its description, and how far it looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from hnas.nets.global_mean import GlobalMean, given, global_means

#: A probed network looks less far than this, in low-resolution pixels.
_PROBE_RADIUS = 256


class Model(Protocol):
    """A module from RGB in [0, 1], (N, 3, H, W), to (N, 3, scale * H, scale * W).

    Attributes:
        scale: by how much it enlarges.
        description: plain values that :func:`hnas.nets.build_model` rebuilds it from, weights aside.
    """

    scale: Any
    description: Any

    def __call__(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class Reaching(Protocol):
    """A model that says how far it looks. One that does not is never run in tiles."""

    def margins(self) -> Sequence[int] | None:
        """How much margin around a tile it needs, in low-resolution pixels; None where it looks at the whole picture.

        The first is that of the picture. Where features are cut on the way (:mod:`hnas.nets.trim`), one more for
        every place where they are, none larger than the one before it.
        """

    @property
    def pools(self) -> Sequence[tuple[GlobalMean, int]]:
        """Beyond its margins: what it averages over the whole picture, each with the number of the margin that is
        still around the features there."""


class LocalNetwork(nn.Module):
    """A network that looks equally far everywhere, and as far as running it once shows.

    Attributes:
        scale: by how much it enlarges.
    """

    scale: int

    def margins(self) -> list[int]:
        """See :class:`Reaching`."""
        return [probed_radius(self, self.scale)]

    @property
    def pools(self) -> list[tuple[GlobalMean, int]]:
        """See :class:`Reaching`."""
        return [(mean, 0) for mean in global_means(self)]


def model_scale(model: nn.Module) -> int:
    """By how much a model enlarges: the attribute that every model has, and that the type of modules cannot say."""
    return int(model.scale)  # type: ignore[arg-type]


def model_margins(model: nn.Module) -> list[int] | None:
    """See :class:`Reaching`; None of a model that does not say."""
    margins = model.margins() if isinstance(model, Reaching) else None
    return None if margins is None else list(margins)


def model_pools(model: nn.Module) -> list[tuple[GlobalMean, int]]:
    """See :class:`Reaching`."""
    return list(model.pools) if isinstance(model, Reaching) else []


def probed_radius(model: nn.Module, scale: int) -> int:
    """How far an output pixel looks, in low-resolution pixels, pooled means aside.

    A pixel that is not a number spoils exactly the pixels that depend on it.

    Raises:
        ValueError: 256 pixels and more; such a network needs a method ``margins`` of its own.
    """
    parameter = next(model.parameters())
    radius = 16
    while radius <= _PROBE_RADIUS:
        picture = parameter.new_zeros(1, 3, 8, 2 * radius + 1)
        picture[:, :, 4, radius] = torch.nan
        with torch.inference_mode(), given(dict.fromkeys(global_means(model), _nothing)):
            spoilt = model(picture).isnan().any(dim=(0, 1, 2)).nonzero() // scale
        found = max(radius - int(spoilt.min()), int(spoilt.max()) - radius)
        if found < radius:
            return found
        radius *= 2
    raise ValueError(f"{type(model).__name__} looks {_PROBE_RADIUS} pixels around or more; it needs its own margins()")


def _nothing(features: Tensor) -> Tensor:
    return features.new_zeros(*features.shape[:2], 1, 1)
