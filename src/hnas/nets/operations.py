"""The modules of the operations of cells; :mod:`hnas.space.cells.operations` has the entry of each."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.depthwise import DepthwiseConv2d
from hnas.nets.global_mean import GlobalMean
from hnas.nets.narrow import Conv3x3
from hnas.space.cells import Norm, operation_of
from hnas.space.cells.operations import attention_channels, deconvolution_size


def build_operation(name: str, channels: int, *, enlarge: int = 1, norm: Norm = "none") -> nn.Module:
    """A module from (N, C, H, W) to (N, C, enlarge * H, enlarge * W).

    Raises:
        HnasError: an unknown name.
    """
    module: nn.Module = operation_of(name).build(channels, enlarge, norm)
    return module


def normalisation(norm: Norm, channels: int) -> list[nn.Module]:
    """The modules that follow a convolution: none, or one batch normalisation."""
    if norm == "none":
        return []
    return [nn.BatchNorm2d(channels, track_running_stats=norm == "batch")]


def identity(channels: int, enlarge: int, norm: Norm) -> nn.Module:
    """Nothing."""
    return nn.Identity()


def separable(size: int, dilation: int, times: int, channels: int, enlarge: int, norm: Norm) -> nn.Module:
    """ReLU, a depthwise and a 1x1 convolution, so many times."""
    layers: list[nn.Module] = []
    for _ in range(times):
        layers += [
            nn.ReLU(),
            DepthwiseConv2d(channels, size, dilation),
            nn.Conv2d(channels, channels, 1, bias=False),
            *normalisation(norm, channels),
        ]
    return nn.Sequential(*layers)


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


def up_down_projection(channels: int, enlarge: int, norm: Norm) -> nn.Module:
    """See :class:`UpDownProjection`."""
    return UpDownProjection(channels)


class ResidualChannelAttention(nn.Module):
    """RCAN's residual channel attention block (Zhang et al. 2018, eq. 6-10): attention pools the whole picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = attention_channels(channels)
        self.body = nn.Sequential(
            Conv3x3(channels, channels),
            nn.ReLU(),
            Conv3x3(channels, channels),
        )
        self.pool = GlobalMean()
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


def rcab(channels: int, enlarge: int, norm: Norm) -> nn.Module:
    """See :class:`ResidualChannelAttention`."""
    return ResidualChannelAttention(channels)


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


def interpolation(mode: Literal["nearest", "bilinear"], channels: int, enlarge: int, norm: Norm) -> nn.Module:
    """See :class:`Interpolation`."""
    return Interpolation(mode, enlarge)


def plain_convolution(channels: int, enlarge: int, norm: Norm) -> nn.Module:
    """ReLU and a 3x3 convolution."""
    return nn.Sequential(nn.ReLU(), Conv3x3(channels, channels), *normalisation(norm, channels))


def sub_pixel(channels: int, enlarge: int, norm: Norm) -> nn.Module:
    """A 3x3 convolution and a pixel shuffle; nothing where it does not enlarge."""
    if enlarge == 1:
        return nn.Identity()
    conv = Conv3x3(channels, channels * enlarge**2)
    return nn.Sequential(conv, nn.PixelShuffle(enlarge), *normalisation(norm, channels))


def deconvolution(channels: int, enlarge: int, norm: Norm) -> nn.Module:
    """A transposed convolution."""
    size = deconvolution_size(enlarge)
    padding = (size - enlarge + 1) // 2
    conv = nn.ConvTranspose2d(
        channels,
        channels,
        size,
        stride=enlarge,
        padding=padding,
        output_padding=enlarge - size + 2 * padding,
        bias=False,
    )
    return nn.Sequential(conv, *normalisation(norm, channels))


def set_fast_depthwise(model: nn.Module, fast: bool) -> None:
    """Switches the fast CPU backward of every depthwise convolution in a model; both ways compute the same."""
    for module in model.modules():
        if isinstance(module, DepthwiseConv2d):
            module.fast = fast
