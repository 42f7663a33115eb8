"""SMFANet and SMFANet+ (Zheng et al., "SMFANet: A Lightweight Self-Modulation Feature Aggregation Network for Efficient
Image Super-Resolution", ECCV 2024, 3). Where the text leaves a detail open, the published program decides."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.peers.description import peer_description

#: Channels and feature modulation blocks (4.1).
SIZES = {"smfanet": (36, 8), "smfanet-plus": (48, 12)}
#: The non-local branch sees the features this many times smaller.
DOWNSCALE = 8
#: The feed-forward network widens the features by the first and convolves the second share of them with 3x3.
WIDEN, PARTIAL = 2, 0.25


class SMFANet(nn.Module):
    """Features modulated by what a much smaller picture of them and their variance say, and a feed-forward network.

    It looks everywhere: the variance is that of the whole picture, and the regions of the pooling depend on its size.

    Args:
        architecture: ``smfanet`` or ``smfanet-plus``.
        scale: 2, 3 or 4.
    """

    def __init__(self, architecture: str, scale: int) -> None:
        super().__init__()
        channels, blocks = SIZES[architecture]
        self.scale = scale
        self.description = peer_description(architecture, scale)
        self.first = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(ModulationBlock(channels) for _ in range(blocks)))
        self.last = nn.Conv2d(channels, 3 * scale**2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""
        features = self.first(x)
        return F.pixel_shuffle(self.last(self.blocks(features) + features), self.scale)

    def margins(self) -> None:
        """See :class:`hnas.nets.model.Reaching`: regions and variance are of the whole picture."""

    @property
    def pools(self) -> tuple[()]:
        """See :class:`hnas.nets.model.Reaching`."""
        return ()


class ModulationBlock(nn.Module):
    """Aggregation, then the feed-forward network, each of features scaled to length 1 at every pixel and added to them.

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.aggregate = Aggregation(channels)
        self.feed = PartialFeedForward(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        x = x + self.aggregate(F.normalize(x))
        out: Tensor = x + self.feed(F.normalize(x))
        return out


class Aggregation(nn.Module):
    """Self-modulation feature aggregation: a non-local branch and one for local detail, summed.

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.split = nn.Conv2d(channels, 2 * channels, 1)
        self.detail = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 3, padding=1, groups=channels),
            nn.Conv2d(2 * channels, 2 * channels, 1),
            nn.GELU(),
            nn.Conv2d(2 * channels, channels, 1),
        )
        self.small = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.small_weight = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.variance_weight = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.modulate = nn.Conv2d(channels, channels, 1)
        self.join = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        height, width = x.shape[2:]
        pixels = height * width
        local, wide = self.split(x).chunk(2, 1)
        # With n - 1 below the line, but for a picture of one pixel.
        variance = wide.var((2, 3), keepdim=True, correction=0) * (pixels / (pixels - 1 + (pixels < 2)))
        pooled = largest_of_regions(wide)
        seen = self.small_weight * self.small(pooled) + self.variance_weight * variance
        modulation = F.interpolate(F.gelu(self.modulate(seen)), (height, width), mode="nearest")
        out: Tensor = self.join(wide * modulation + self.detail(local))
        return out


class PartialFeedForward(nn.Module):
    """Widens the features, convolves a share of them, and narrows them again.

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = WIDEN * channels
        self.share = int(PARTIAL * wide)
        self.widen = nn.Conv2d(channels, wide, 1)
        self.convolve = nn.Conv2d(self.share, self.share, 3, padding=1)
        self.narrow = nn.Conv2d(wide, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        features = F.gelu(self.widen(x))
        convolved = F.gelu(self.convolve(features[:, : self.share]))
        out: Tensor = self.narrow(torch.cat([convolved, features[:, self.share :]], 1))
        return out


def largest_of_regions(x: Tensor) -> Tensor:
    """``F.adaptive_max_pool2d`` to an eighth of the size, at least 1: (N, C, H, W) to (N, C, H // 8, W // 8).

    Written as gathering, since ONNX has no such pooling for a size that only the picture tells.
    """
    by_row = x[:, :, _members(x.shape[2], x.device)].amax(3)
    return by_row[..., _members(x.shape[3], x.device)].amax(4)


def _members(length: int, device: torch.device) -> Tensor:
    """Which pixels of a side are in each region: (regions, most that one can have); the last one fills the rest."""
    regions = length // DOWNSCALE + (length < DOWNSCALE)
    region = torch.arange(regions, device=device)
    first = region * length // regions
    last = ((region + 1) * length + regions - 1) // regions - 1
    return torch.minimum(first[:, None] + torch.arange(2 * DOWNSCALE + 1, device=device), last[:, None])
