"""The candidate operations of cells (paper, II-A and Table I; ``conv_3x3`` beside them): how each is built, its cost.

Costs count multiply-adds (MACs) of convolutions, transposed ones included, as ``torch.utils.flop_counter`` does
(its FLOPs halved); interpolation, normalisation and activations count as nothing, the field's convention.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.errors import HnasError
from hnas.nets.depthwise import DepthwiseConv2d
from hnas.nets.narrow import Conv3x3
from hnas.space.cells.settings import Norm

#: RCAN's channel attention squeezes by 16 (Zhang et al. 2018, 4.1), which is 4 channels at its C = 64. Narrow
#: networks keep those 4: a single one behind a ReLU is dead from the start half of the time.
_ATTENTION_REDUCTION = 16
_ATTENTION_CHANNELS = 4


@dataclass(frozen=True)
class OperationCost:
    """What an operation costs.

    Attributes:
        macs_per_pixel: for every pixel of its input.
        macs_per_picture: once, whatever the size (attention over pooled features).
        params: number of trained parameters.
    """

    macs_per_pixel: int = 0
    macs_per_picture: int = 0
    params: int = 0


@dataclass(frozen=True)
class Operation:
    """How to build an operation and what it costs, given channels, enlargement (1 or the scale) and normalisation."""

    build: Callable[[int, int, Norm], nn.Module]
    cost: Callable[[int, int, Norm], OperationCost]


def build_operation(name: str, channels: int, *, enlarge: int = 1, norm: Norm = "none") -> nn.Module:
    """A module from (N, C, H, W) to (N, C, enlarge * H, enlarge * W).

    Raises:
        HnasError: an unknown name.
    """
    return _operation(name).build(channels, enlarge, norm)


def operation_cost(name: str, channels: int, *, enlarge: int = 1, norm: Norm = "none") -> OperationCost:
    """What :func:`build_operation`'s module costs.

    Raises:
        HnasError: an unknown name.
    """
    return _operation(name).cost(channels, enlarge, norm)


def _operation(name: str) -> Operation:
    try:
        return REGISTRY[name]
    except KeyError:
        raise HnasError(f"unknown operation {name!r}; allowed are {', '.join(REGISTRY)}") from None


def normalisation(norm: Norm, channels: int) -> list[nn.Module]:
    """The modules that follow a convolution: none, or one batch normalisation."""
    if norm == "none":
        return []
    return [nn.BatchNorm2d(channels, track_running_stats=norm == "batch")]


def norm_params(norm: Norm, channels: int) -> int:
    """Parameters of :func:`normalisation`."""
    return 0 if norm == "none" else 2 * channels


def _separable(channels: int, size: int, dilation: int, norm: Norm) -> list[nn.Module]:
    return [
        nn.ReLU(),
        DepthwiseConv2d(channels, size, dilation),
        nn.Conv2d(channels, channels, 1, bias=False),
        *normalisation(norm, channels),
    ]


def _separable_cost(channels: int, size: int, norm: Norm, *, times: int) -> OperationCost:
    macs = times * (size**2 * channels + channels**2)
    return OperationCost(macs_per_pixel=macs, params=macs + times * norm_params(norm, channels))


def _dilated(size: int) -> Operation:
    return Operation(
        build=lambda channels, _, norm: nn.Sequential(*_separable(channels, size, 2, norm)),
        cost=lambda channels, _, norm: _separable_cost(channels, size, norm, times=1),
    )


def _twice_separable(size: int) -> Operation:
    return Operation(
        build=lambda channels, _, norm: nn.Sequential(
            *_separable(channels, size, 1, norm), *_separable(channels, size, 1, norm)
        ),
        cost=lambda channels, _, norm: _separable_cost(channels, size, norm, times=2),
    )


class UpDownProjection(nn.Module):
    """An up-projection unit followed by a down-projection unit (DBPN, Haris et al. 2018, eqs. 1-10), at x2.

    Each unit projects, projects back, and corrects by the projected error. The size stays as it was.

    DBPN's filters are 6x6 at stride 2 and padding 2. The four pixels that a small one becomes are kept here as
    channels, where such a filter is exactly a 3x3 convolution between C and 4C channels: the same function and as many
    multiply-adds, several times faster than strided and transposed convolutions on a CPU.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.up, self.up_error, self.down_back = (_projection(channels, 4 * channels) for _ in range(3))
        self.up_back, self.down, self.down_error = (_projection(4 * channels, channels) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        first = self.up(x)
        large = first + self.up_error(_minus(self.up_back(first), x))
        small = self.down(large)
        projected: Tensor = small + self.down_error(_minus(self.down_back(small), large))
        return projected


def _minus(fresh: Tensor, x: Tensor) -> Tensor:
    # Fresh memory for features this wide costs more than the arithmetic; a gradient would need what is overwritten.
    return fresh - x if torch.is_grad_enabled() else fresh.sub_(x)


def _projection(channels_in: int, channels_out: int) -> nn.Module:
    # DBPN learns the slope (PReLU); keeping it where PReLU starts halves the time of the whole backward.
    conv = Conv3x3(channels_in, channels_out)
    return nn.Sequential(conv, nn.LeakyReLU(0.25, inplace=True))


def _projection_cost(channels: int) -> OperationCost:
    macs = 6 * 9 * 4 * channels**2
    return OperationCost(macs_per_pixel=macs, params=macs)


class ResidualChannelAttention(nn.Module):
    """RCAN's residual channel attention block (Zhang et al. 2018, eq. 6-10): attention pools the whole picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = _squeezed(channels)
        self.body = nn.Sequential(
            Conv3x3(channels, channels),
            nn.ReLU(),
            Conv3x3(channels, channels),
        )
        self.attention = nn.Sequential(
            nn.Conv2d(channels, squeezed, 1, bias=False),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        features = self.body(x)
        scaled: Tensor = x + features * self.attention(self.pool(features))
        return scaled

    def pool(self, features: Tensor) -> Tensor:
        """The statistics that attention looks at: (N, C, H, W) to (N, C, 1, 1). Tiling replaces this."""
        return features.mean((2, 3), keepdim=True)


def _squeezed(channels: int) -> int:
    return max(_ATTENTION_CHANNELS, channels // _ATTENTION_REDUCTION)


def _attention_cost(channels: int) -> OperationCost:
    body = 2 * 9 * channels**2
    attention = 2 * channels * _squeezed(channels)
    return OperationCost(macs_per_pixel=body, macs_per_picture=attention, params=body + attention)


class Interpolation(nn.Module):
    """Enlarges by a whole number; at 1 it is the identity. ``area`` equals ``nearest`` at whole numbers."""

    def __init__(self, mode: Literal["nearest", "bilinear"], enlarge: int) -> None:
        super().__init__()
        self.mode = mode
        self.enlarge = enlarge

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, enlarge * H, enlarge * W)."""
        if self.enlarge == 1:
            return x
        if self.mode == "nearest":
            return F.interpolate(x, scale_factor=self.enlarge, mode="nearest")
        return F.interpolate(x, scale_factor=self.enlarge, mode="bilinear", align_corners=False)

    def extra_repr(self) -> str:
        """The settings, as torch prints a module."""
        return f"{self.mode}, enlarge={self.enlarge}"


def _plain_conv(channels: int, _: int, norm: Norm) -> nn.Module:
    conv = Conv3x3(channels, channels)
    return nn.Sequential(nn.ReLU(), conv, *normalisation(norm, channels))


def _plain_conv_cost(channels: int, _: int, norm: Norm) -> OperationCost:
    macs = 9 * channels**2
    return OperationCost(macs_per_pixel=macs, params=macs + norm_params(norm, channels))


def _interpolation(mode: Literal["nearest", "bilinear"]) -> Operation:
    return Operation(
        build=lambda _, enlarge, __: Interpolation(mode, enlarge),
        cost=lambda _, __, ___: OperationCost(),
    )


def _sub_pixel(channels: int, enlarge: int, norm: Norm) -> nn.Module:
    if enlarge == 1:
        return nn.Identity()
    conv = Conv3x3(channels, channels * enlarge**2)
    return nn.Sequential(conv, nn.PixelShuffle(enlarge), *normalisation(norm, channels))


def _sub_pixel_cost(channels: int, enlarge: int, norm: Norm) -> OperationCost:
    if enlarge == 1:
        return OperationCost()
    macs = 9 * channels**2 * enlarge**2
    return OperationCost(macs_per_pixel=macs, params=macs + norm_params(norm, channels))


def _deconvolution_size(enlarge: int) -> int:
    """3x3, and just as large as the stride where 3x3 filters would leave gaps (x4 and more)."""
    return max(3, enlarge)


def _deconvolution(channels: int, enlarge: int, norm: Norm) -> nn.Module:
    size = _deconvolution_size(enlarge)
    padding = (size - enlarge + 1) // 2
    deconvolution = nn.ConvTranspose2d(
        channels,
        channels,
        size,
        stride=enlarge,
        padding=padding,
        output_padding=enlarge - size + 2 * padding,
        bias=False,
    )
    return nn.Sequential(deconvolution, *normalisation(norm, channels))


def _deconvolution_cost(channels: int, enlarge: int, norm: Norm) -> OperationCost:
    macs = _deconvolution_size(enlarge) ** 2 * channels**2
    return OperationCost(macs_per_pixel=macs, params=macs + norm_params(norm, channels))


REGISTRY: dict[str, Operation] = {
    "identity": Operation(lambda *_: nn.Identity(), lambda *_: OperationCost()),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
    "sep_conv_3x3": _twice_separable(3),
    "sep_conv_5x5": _twice_separable(5),
    "up_down_projection": Operation(lambda c, *_: UpDownProjection(c), lambda c, *_: _projection_cost(c)),
    "rcab": Operation(lambda c, *_: ResidualChannelAttention(c), lambda c, *_: _attention_cost(c)),
    "conv_3x3": Operation(_plain_conv, _plain_conv_cost),
    "area": _interpolation("nearest"),
    "bilinear": _interpolation("bilinear"),
    "nearest": _interpolation("nearest"),
    "sub_pixel": Operation(_sub_pixel, _sub_pixel_cost),
    "deconvolution": Operation(_deconvolution, _deconvolution_cost),
}


def set_fast_depthwise(model: nn.Module, fast: bool) -> None:
    """Switches the fast CPU backward of every depthwise convolution in a model; both ways compute the same."""
    for module in model.modules():
        if isinstance(module, DepthwiseConv2d):
            module.fast = fast
