"""SelNet (Choi & Kim, "A Deep Convolutional Neural Network with Selection Units for Super-Resolution", CVPRW 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.model import LocalNetwork
from hnas.nets.peers.description import peer_description
from hnas.nets.peers.luma import enlarge_bicubic

CHANNELS = 64
RESIDUAL_UNITS = 10


class SelNet(LocalNetwork):
    """Convolutions with selection units instead of ReLU, in residual units; the output is added to the bicubic one.

    The widths and counts are those that give the six published figures to the last digit: 225.7, 120.0 and 83.1 G
    multiply-adds and 974, 1,159 and 1,417 K weights (biases not counted) at x2, x3 and x4.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.description = peer_description("selnet", scale)
        self.first = nn.Sequential(nn.Conv2d(3, CHANNELS, 3, padding=1), SelectionUnit())
        self.units = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
                SelectionUnit(),
                nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
                SelectionUnit(),
            )
            for _ in range(RESIDUAL_UNITS)
        )
        self.enlarge = nn.Sequential(
            nn.Conv2d(CHANNELS, CHANNELS * scale**2, 3, padding=1),
            nn.PixelShuffle(scale),
            nn.Conv2d(CHANNELS, 3, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""
        features = self.first(x)
        for unit in self.units:
            features = features + unit(features)
        image: Tensor = self.enlarge(features) + enlarge_bicubic(x, self.scale)
        return image


class SelectionUnit(nn.Module):
    """Multiplies the features by a learned switch: ReLU, 1x1 convolution, sigmoid (3.1)."""

    def __init__(self) -> None:
        super().__init__()
        self.select = nn.Conv2d(CHANNELS, CHANNELS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        return x * torch.sigmoid(self.select(F.relu(x)))
