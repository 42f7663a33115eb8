"""The blocks of the networks that two searches of Chu et al. found (MoreMNAS 2019, 3.1; FALSR 2019, III).

Where a paper's text leaves a detail open, the published graphs of FALSR-B and MoreMNAS-D decide.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.peers.luma import LumaNetwork

#: Features of the first and last convolution at the small size; the latter become 8 at the large size.
FEATURES = 32
SCALE = 2


class ElasticNetwork(LumaNetwork):
    """The frame of these networks: Y in the full range of JPEG, at x2, with a path around all cells."""

    def __init__(self, architecture: str, *, last_inputs: int) -> None:
        super().__init__(architecture, SCALE, full_range=True)
        self.first = nn.Conv2d(1, FEATURES, 3, padding=1)
        self.last = nn.Conv2d(last_inputs, FEATURES, 3, padding=1)
        self.luma = nn.Conv2d(FEATURES // SCALE**2, 1, 3, padding=1)

    def enlarge_luma(self, small: Tensor, enlarged: Tensor) -> Tensor:
        features = F.relu(self.first(small))
        features = F.relu(self.last(self.cells_of(features))) + features
        luma: Tensor = self.luma(depth_to_space(features, SCALE))
        return luma

    def cells_of(self, features: Tensor) -> Tensor:
        """All cells: (N, 32, H, W) to (N, last_inputs, H, W)."""
        raise NotImplementedError


class Convolutions(nn.Module):
    """Convolutions with ReLU, one after another.

    Args:
        inputs: channels of the input.
        channels: of every convolution.
        size: of the filters.
        repeat: how many convolutions.
        groups: of every convolution.
        skip: add the first convolution's output to the last one's.
    """

    def __init__(
        self, inputs: int, channels: int, *, size: int, repeat: int = 1, groups: int = 1, skip: bool = False
    ) -> None:
        super().__init__()
        self.skip = skip
        self.layers = nn.ModuleList(
            nn.Conv2d(inputs if index == 0 else channels, channels, size, padding=size // 2, groups=groups)
            for index in range(repeat)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, inputs, H, W) to (N, channels, H, W)."""
        first = features = F.relu(self.layers[0](x))
        for layer in list(self.layers)[1:]:
            features = F.relu(layer(features))
        return first + features if self.skip else features


class InvertedBottlenecks(nn.Module):
    """A 1x1 convolution, then residual units: expand to twice the channels, depthwise 3x3, project back.

    Args:
        inputs: channels of the input.
        channels: of the output and between units.
        size: of the expanding and projecting filters.
        repeat: how many units.
        skip: add the first convolution's output to the last unit's.
    """

    def __init__(self, inputs: int, channels: int, *, size: int, repeat: int = 1, skip: bool = False) -> None:
        super().__init__()
        self.skip = skip
        self.squeeze = nn.Conv2d(inputs, channels, 1)
        wide = 2 * channels
        self.units = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, wide, size, padding=size // 2),
                nn.ReLU(),
                nn.Conv2d(wide, wide, 3, padding=1, groups=wide),
                nn.ReLU(),
                nn.Conv2d(wide, channels, size, padding=size // 2),
            )
            for _ in range(repeat)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, inputs, H, W) to (N, channels, H, W)."""
        first: Tensor = self.squeeze(x)
        features = first
        for unit in self.units:
            features = features + unit(features)
        return first + features if self.skip else features


def depth_to_space(x: Tensor, scale: int) -> Tensor:
    """TensorFlow's order of channels: place within the block first, then channel. ``nn.PixelShuffle`` has it reversed.

    Shapes: (N, scale**2 * C, H, W) to (N, C, scale * H, scale * W).
    """
    batch, channels, height, width = x.shape
    small = x.reshape(batch, scale, scale, channels // scale**2, height, width)
    return small.permute(0, 3, 4, 1, 5, 2).flatten(4, 5).flatten(2, 3)
