"""What networks that see RGB share: the mean colour and sub-pixel enlargement."""

from __future__ import annotations

from torch import Tensor, nn

#: Mean of DIV2K's training pictures, which these systems subtract from the input and add to the output.
MEAN = (0.4488, 0.4371, 0.4040)


def shift_by_mean(x: Tensor, sign: int) -> Tensor:
    """Adds (+1) or subtracts (-1) the mean colour: (N, 3, H, W) to the same shape."""
    return x + sign * x.new_tensor(MEAN).view(1, 3, 1, 1)


def sub_pixel(channels: int, scale: int, *, groups: int = 1, activation: bool = False) -> nn.Sequential:
    """Sub-pixel convolutions from C to C channels, as EDSR has them: x2 and x3 in one stage, x4 in two of x2."""
    stages: list[nn.Module] = []
    for factor in (2, 2) if scale == 4 else (scale,):
        stages.append(nn.Conv2d(channels, channels * factor**2, 3, padding=1, groups=groups))
        if activation:
            stages.append(nn.ReLU())
        stages.append(nn.PixelShuffle(factor))
    return nn.Sequential(*stages)
