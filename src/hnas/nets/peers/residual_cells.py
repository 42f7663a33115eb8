"""The rows "Residual Block" and "RCAB" of the paper's Table II: hand-made cells in the paper's frame.

Twelve cells at C = 64 of which the last one enlarges. The published genotypes of these two rows hand on C channels
from each cell, use only one of its two inputs, and enlarge with one sub-pixel convolution.
"""

from __future__ import annotations

from torch import Tensor, nn

from hnas.nets.model import LocalNetwork
from hnas.nets.operations import ResidualChannelAttention
from hnas.nets.peers.description import peer_description
from hnas.nets.peers.rgb import shift_by_mean, sub_pixel

CHANNELS = 64
CELLS = 12
STEM_CHANNELS = 4 * CHANNELS


class ResidualCells(LocalNetwork):
    """Eleven cells of the same kind, the enlarging one, and a 3x3 convolution to RGB.

    Args:
        architecture: ``residual-block`` (two residual blocks a cell) or ``rcab`` (four residual channel attention
            blocks and a path around them).
        scale: 2, 3 or 4.
    """

    def __init__(self, architecture: str, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.description = peer_description(architecture, scale)
        body = _two_residual_blocks if architecture == "residual-block" else AttentionGroup
        self.stem = nn.Conv2d(3, STEM_CHANNELS, 3, padding=1, bias=False)
        self.cells = nn.Sequential(
            *(_cell(STEM_CHANNELS if index == 0 else CHANNELS, body()) for index in range(CELLS - 1)),
            _cell(CHANNELS, sub_pixel(CHANNELS, scale)),
        )
        self.tail = nn.Conv2d(CHANNELS, 3, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1]: (N, 3, H, W) to (N, 3, scale * H, scale * W), not clamped."""
        features = self.cells(self.stem(shift_by_mean(x, -1)))
        return shift_by_mean(self.tail(features), 1)


def _cell(inputs: int, body: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(inputs, CHANNELS, 1, bias=False), body)


def _two_residual_blocks() -> nn.Sequential:
    return nn.Sequential(ResidualBlock(), ResidualBlock())


class ResidualBlock(nn.Module):
    """EDSR's: convolution, ReLU, convolution, added to the input."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        out: Tensor = x + self.body(x)
        return out


class AttentionGroup(nn.Module):
    """Four residual channel attention blocks, added to the input."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(ResidualChannelAttention(CHANNELS) for _ in range(4)))

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        out: Tensor = x + self.blocks(x)
        return out


def macs_beside(scale: int, lr_size: tuple[int, int]) -> int:
    """Multiply-adds of convolutions that the paper's program runs for these rows and whose results it drops.

    Two things are multiplied by zero or by nothing at all: the 1x1 convolution on every cell's other input, and the
    6x6 convolution of an up-projection unit (DBPN) at x2 in the last cell. The paper's counter saw them; a network
    without them computes the same picture.

    Args:
        scale: 2; the published genotype has the up-projection unit for x2 alone.
        lr_size: (height, width) of the input.
    """
    if scale != 2:
        raise ValueError(f"the published genotype enlarges by 2, not {scale}")
    # The other input of the first two cells is the stem's output.
    other_inputs = 2 * STEM_CHANNELS * CHANNELS + (CELLS - 2) * CHANNELS**2
    up_projection = 6 * 6 * CHANNELS**2
    return (other_inputs + up_projection) * lr_size[0] * lr_size[1]
