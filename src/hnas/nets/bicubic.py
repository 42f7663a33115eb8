"""The bicubic enlargement of a picture by a whole number as a fixed convolution: every pixel that one becomes has its
own filter."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_COLOURS = 3
#: A pixel of the enlarged picture looks so many pixels of the small one around.
RADIUS = 2


def bicubic_convolution(scale: int, *, groups: Literal[1, 3]) -> nn.Conv2d:
    """Torch's bicubic enlargement (a = -0.75) but for the pixel shuffle behind it.

    It takes a picture with its edge repeated :data:`RADIUS` times on every side, which is what interpolation sees
    there, and gives (N, 3 * scale², H, W). Its weights are exact to float32; torch's own at x3 are off by some 1e-5 in
    large pictures, where it rounds places.

    Args:
        scale: by how much the picture is enlarged.
        groups: 3 for one filter on each colour alone; 1 for the same with zeros between colours.
    """
    conv = nn.Conv2d(_COLOURS, _COLOURS * scale**2, 2 * RADIUS + 1, groups=groups, bias=False)
    filters = _filters(scale)
    with torch.no_grad():
        conv.weight.zero_()
        for colour in range(_COLOURS):
            conv.weight[colour * scale**2 : (colour + 1) * scale**2, colour if groups == 1 else 0] = filters
    return conv


def _filters(scale: int) -> Tensor:
    """Of every pixel that one becomes, (scale², 5, 5): what the enlargement makes of single bright pixels."""
    size = 2 * RADIUS + 1
    single = torch.eye(size * size, dtype=torch.float64).view(size * size, 1, size, size)
    large = F.interpolate(single, scale_factor=scale, mode="bicubic", align_corners=False)
    start = RADIUS * scale
    middle = large[:, 0, start : start + scale, start : start + scale]
    return middle.reshape(size, size, scale**2).permute(2, 0, 1).float()
