"""CARN and CARN-M (Ahn et al., "Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network",
ECCV 2018, 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.model import LocalNetwork
from hnas.nets.peers.description import peer_description
from hnas.nets.peers.rgb import shift_by_mean, sub_pixel

CHANNELS = 64
#: Cascading blocks in the network, and residual blocks in each of them.
STAGES = 3
#: CARN-M's group convolutions.
MOBILE_GROUPS = 4


class CARN(LocalNetwork):
    """Residual blocks inside cascading blocks inside a cascade: every 1x1 convolution sees all that came before it.

    Args:
        architecture: ``carn`` or ``carn-m``; the mobile one has group convolutions and one residual block for each
            cascading block, applied three times.
        scale: 2, 3 or 4.
    """

    def __init__(self, architecture: str, scale: int) -> None:
        super().__init__()
        mobile = architecture == "carn-m"
        self.scale = scale
        self.description = peer_description(architecture, scale)
        self.entry = nn.Conv2d(3, CHANNELS, 3, padding=1)
        self.cascade = Cascade([_cascading_block(mobile) for _ in range(STAGES)])
        self.enlarge = sub_pixel(CHANNELS, scale, groups=MOBILE_GROUPS if mobile else 1, activation=True)
        self.exit = nn.Conv2d(CHANNELS, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""
        features = self.cascade(self.entry(shift_by_mean(x, -1)))
        return shift_by_mean(self.exit(self.enlarge(features)), 1)


class Cascade(nn.Module):
    """Three blocks, each followed by a 1x1 convolution over the input and the outputs of all blocks so far.

    Args:
        blocks: three modules from C to C channels, or one that is applied three times.
    """

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.joins = nn.ModuleList(nn.Conv2d((stage + 2) * CHANNELS, CHANNELS, 1) for stage in range(STAGES))

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        seen = joined = x
        for stage, join in enumerate(self.joins):
            block = self.blocks[stage % len(self.blocks)]
            seen = torch.cat([seen, block(joined)], 1)
            joined = F.relu(join(seen))
        return joined


def _cascading_block(mobile: bool) -> Cascade:
    if mobile:
        return Cascade([ResidualBlock(groups=MOBILE_GROUPS)])
    return Cascade([ResidualBlock() for _ in range(STAGES)])


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around which the input goes; with groups, a 1x1 convolution mixes them at the end."""

    def __init__(self, *, groups: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=groups),
            nn.ReLU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=groups),
        ]
        if groups > 1:
            layers += [nn.ReLU(), nn.Conv2d(CHANNELS, CHANNELS, 1)]
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        return F.relu(x + self.body(x))
