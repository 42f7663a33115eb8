"""ESPCN (Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
Neural Network", CVPR 2016, 3.2): where sub-pixel convolution comes from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hnas.nets.model import LocalNetwork
from hnas.nets.peers.description import peer_description
from hnas.nets.peers.luma import LumaNetwork


class ESPCN(LumaNetwork):
    """64 filters 5x5, 32 filters 3x3 and the sub-pixel convolution 3x3, all at the small size, with tanh between."""

    def __init__(self, scale: int) -> None:
        super().__init__("espcn", scale)
        self.layers = _layers(1, scale)

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        luma: Tensor = self.layers(small)
        return luma


class ESPCNOfRGB(LocalNetwork):
    """The same for RGB, with a sigmoid at the end, as the authors of ETDS (CVPR 2023) trained it to compare with."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.description = peer_description("espcn-rgb", scale)
        self.layers = _layers(3, scale)

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W) in [0, 1]."""
        return torch.sigmoid(self.layers(x))


def _layers(colours: int, scale: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(colours, 64, 5, padding=2),
        nn.Tanh(),
        nn.Conv2d(64, 32, 3, padding=1),
        nn.Tanh(),
        nn.Conv2d(32, colours * scale**2, 3, padding=1),
        nn.PixelShuffle(scale),
    )
