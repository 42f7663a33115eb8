"""ECBSR (Zhang, Zeng, Zhang, "Edge-oriented Convolution Block for Real-time Super Resolution on Mobile Devices", ACM MM
2021, 3), in the form that runs: every block of its training form is one 3x3 convolution."""

from __future__ import annotations

from torch import Tensor, nn

from hnas.nets.common import enlarge_image
from hnas.nets.model import LocalNetwork
from hnas.nets.peers.description import peer_description

#: The paper's M and C: blocks between the first and the last convolution, and their channels.
SIZES = {"ecbsr-m4c16": (4, 16), "ecbsr-m6c40": (6, 40)}


class ECBSR(LocalNetwork):
    """3x3 convolutions with PReLU between, the last one sub-pixel, added to the picture enlarged by repeating pixels.

    RGB goes through the network, as in the weights that the authors of ETDS published; the paper's own sees Y.

    Args:
        architecture: ``ecbsr-m4c16`` or ``ecbsr-m6c40``.
        scale: 2, 3 or 4.
    """

    def __init__(self, architecture: str, scale: int) -> None:
        super().__init__()
        blocks, channels = SIZES[architecture]
        self.scale = scale
        self.description = peer_description(architecture, scale)
        layers: list[nn.Module] = []
        for inputs in (3, *[channels] * blocks):
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.PReLU(channels)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""
        image: Tensor = self.layers(x) + enlarge_image(x, self.scale, "nearest")
        return image
