"""A network that comes from no search: residual blocks at the small size, then a pixel shuffle."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from hnas.nets.model import LocalNetwork
from hnas.nets.peers import Peer
from hnas.nets.peers.description import peer_description


@dataclass(frozen=True)
class TinyResidualSettings:
    """What can be chosen by ``--scale``, ``--channels`` and ``--depth``."""

    scale: int = 2
    channels: int = 16
    depth: int = 2


class TinyResidual(LocalNetwork):
    """A convolution, ``depth`` residual blocks of ``channels``, and a sub-pixel convolution."""

    def __init__(self, scale: int, channels: int, depth: int) -> None:
        super().__init__()
        self.scale = scale
        self.description = peer_description("tiny-residual", scale, channels=channels, depth=depth)
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(depth))
        self.tail = nn.Sequential(nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W)."""
        features = self.head(x)
        for block in self.blocks:
            features = features + block(features.relu())
        enlarged: Tensor = self.tail(features)
        return enlarged


TINY_RESIDUAL = Peer("tiny-residual", TinyResidual, settings=TinyResidualSettings)
