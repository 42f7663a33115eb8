"""ABPN (Du et al., "Anchor-based Plain Net for Mobile Image Super-Resolution", CVPRW 2021, 3)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from hnas.nets.common import enlarge_image
from hnas.nets.model import LocalNetwork
from hnas.nets.peers.description import peer_description

#: Convolutions between the first and the last two, and their channels.
SIZES = {"abpn-m4c28": (4, 28)}


class ABPN(LocalNetwork):
    """3x3 convolutions with ReLU between; the last two have the large picture's channels. What they give is added to
    the picture enlarged by repeating pixels (the anchor).

    Args:
        architecture: ``abpn-m4c28``.
        scale: 2, 3 or 4.
    """

    def __init__(self, architecture: str, scale: int) -> None:
        super().__init__()
        depth, channels = SIZES[architecture]
        self.scale = scale
        self.description = peer_description(architecture, scale)
        widths = (3, channels, *[channels] * depth, 3 * scale**2)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(3 * scale**2, 3 * scale**2, 3, padding=1)
        self.layers = nn.Sequential(*layers, last, nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""
        image: Tensor = self.layers(x) + enlarge_image(x, self.scale, "nearest")
        return image
