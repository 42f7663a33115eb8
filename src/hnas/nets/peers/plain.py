"""A plain stack: 3x3 convolutions with ReLU between, a sub-pixel one at the end, added to the enlarged picture.

No paper's system: the simplest network that a searched one must beat, at its multiply-adds and at its milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hnas.nets.common import enlarge_image
from hnas.nets.model import LocalNetwork
from hnas.nets.peers.description import peer_description

#: Training begins near the enlarged picture, as that of our networks does.
_TAIL_START = 0.1


@dataclass(frozen=True)
class PlainSettings:
    """The defaults cost 26.5 G multiply-adds at x2 and a 3x480x480 input.

    Attributes:
        scale: 2, 3 or 4.
        channels: width of every convolution but the last.
        depth: convolutions between the first and the last.
    """

    scale: int = 2
    channels: int = 32
    depth: int = 12


class PlainStack(LocalNetwork):
    """A first convolution from RGB, ``depth`` convolutions of ``channels``, and the sub-pixel convolution.

    Args:
        scale: by how much the picture is enlarged.
        channels: width of every convolution but the last.
        depth: convolutions between the first and the last.
    """

    def __init__(self, scale: int, *, channels: int, depth: int) -> None:
        super().__init__()
        self.scale = scale
        self.description = peer_description("plain", scale, channels=channels, depth=depth)
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.ReLU()]
        for _ in range(depth):
            layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(channels, 3 * scale**2, 3, padding=1)
        self.layers = nn.Sequential(*layers, last, nn.PixelShuffle(scale))
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):  # He et al. 2015; torch's own start shrinks features with every layer
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            last.weight.mul_(_TAIL_START)

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""
        image: Tensor = self.layers(x) + enlarge_image(x, self.scale, "bicubic")
        return image
