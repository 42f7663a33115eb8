"""ESPCN (Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional
Neural Network", CVPR 2016, 3.2): where sub-pixel convolution comes from."""

from __future__ import annotations

from torch import Tensor, nn

from hnas.nets.peers.luma import LumaNetwork


class ESPCN(LumaNetwork):
    """64 filters 5x5, 32 filters 3x3 and the sub-pixel convolution 3x3, all at the small size, with tanh between."""

    def __init__(self, scale: int) -> None:
        super().__init__("espcn", scale)
        self.layers = nn.Sequential(
            nn.Conv2d(1, 64, 5, padding=2),
            nn.Tanh(),
            nn.Conv2d(64, 32, 3, padding=1),
            nn.Tanh(),
            nn.Conv2d(32, scale**2, 3, padding=1),
            nn.PixelShuffle(scale),
        )

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        luma: Tensor = self.layers(small)
        return luma
