"""An operation of normal cells: a depthwise convolution that looks far for few multiply-adds."""

from __future__ import annotations

from torch import nn

from hnas.space.cells import Norm, Operation, OperationCost
from hnas.space.style import Style


def _build(channels: int, enlarge: int, norm: Norm) -> nn.Module:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, 7, padding=3, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
    )


def _cost(channels: int, enlarge: int, norm: Norm) -> OperationCost:
    weights = 49 * channels + channels**2
    return OperationCost(macs_per_pixel=weights, params=weights)


LARGE_DEPTHWISE = Operation(
    build=_build,
    cost=_cost,
    radius=lambda enlarge: 3,
    style=Style("#8a5a00", "depthwise 7×7", "depthwise 7×7 and pointwise convolution"),
)
