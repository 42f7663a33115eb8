"""The blocks of a chain: how each is built, how it starts, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Part of He's initialisation (He et al., 2015) that is added to a start near the identity.
_NOISE = 0.1


class Residual(nn.Module):
    """Two 3x3 convolutions with ReLU between them, and a path around both (EDSR's block, Lim et al. 2017)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = convolution(width, width), convolution(width, width)
        with torch.no_grad():
            self.second.weight.mul_(_NOISE)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, W, H, W') to the same."""
        changed: Tensor = x + self.second(F.relu(self.first(x)))
        return changed


@dataclass(frozen=True)
class Block:
    """A block.

    Attributes:
        build: a module from (N, width, H, W) to the same shape.
        convolutions: 3x3 ones from width to width channels; all that it costs.
    """

    build: Callable[[int], nn.Module]
    convolutions: int


#: By the names of :data:`hnas.space.chain.BLOCKS`.
REGISTRY: Mapping[str, Block] = {
    "conv_3x3": Block(lambda width: nn.Sequential(convolution(width, width), nn.ReLU()), convolutions=1),
    "residual_3x3": Block(Residual, convolutions=2),
}


def convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
    """A 3x3 convolution that starts near the identity: what comes in goes on, a little disturbed."""
    conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
    with torch.no_grad():
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        noise = conv.weight * _NOISE
        nn.init.dirac_(conv.weight)
        conv.weight.add_(noise)
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv
