"""The modules of a chain's blocks and how they start; :mod:`hnas.space.chain.blocks` has the entry of each."""

from __future__ import annotations

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


def plain_convolution(width: int) -> nn.Module:
    """A 3x3 convolution with ReLU."""
    return nn.Sequential(convolution(width, width), nn.ReLU())


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
