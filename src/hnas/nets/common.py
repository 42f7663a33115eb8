"""What all networks have in common, of whichever kind: scales, the enlarged picture, the layout of their weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.errors import HnasError
from hnas.space.scales import ImageSkip

#: Of a model's description.
FORMAT = "hnas-model/1"
#: A gigabyte of weights: more than the widest network of the paper's space has at C = 64.
MAX_PARAMETERS = 1 << 28


def refuse_large(parameters: int) -> None:
    """Raises :class:`HnasError` for more than :data:`MAX_PARAMETERS`, before anything is built."""
    if parameters > MAX_PARAMETERS:
        raise HnasError(
            f"the network has {parameters:,} parameters; allowed are {MAX_PARAMETERS:,}; take fewer channels or cells"
        )


def enlarge_image(x: Tensor, scale: int, image_skip: ImageSkip) -> Tensor:
    """The image skip: (N, 3, H, W) enlarged by the scale. Bicubic is torch's (a = -0.75), a little sharper than
    MATLAB's, hence 33.97 dB instead of 33.66 dB on Set5 x2."""
    if image_skip == "bicubic":
        return F.interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False)
    return F.interpolate(x, scale_factor=scale, mode="nearest")


def parameter_count(model: nn.Module) -> int:
    """How many numbers training changes."""
    return sum(parameter.numel() for parameter in model.parameters())


def to_channels_last(model: nn.Module) -> nn.Module:
    """The same model with its weights laid out channels-last, which is what the CPU and tensor cores like."""
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
