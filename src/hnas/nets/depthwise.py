"""A depthwise convolution whose backward is fast on CPUs.

The library's backward of *dilated* depthwise convolutions is its slow path there. Two exact rewritings avoid it:
the gradient with respect to the input is itself a depthwise convolution with the flipped filter, and the gradient
with respect to the weights of a dilated filter is that of a dense filter on the phases of the picture. In bfloat16 the
library's way is slower still, the one here faster.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.narrow import apart, fills_in_pairs, in_pairs, narrow_weight_gradient

#: From so many values on (pictures x channels x pixels), four 3x3 weight gradients are faster than one 5x5 one.
_BLOCKS_FROM_VALUES = 100_000


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution of stride 1 that keeps the size, without bias.

    Args:
        channels: of the input and the output.
        kernel_size: odd, in pixels.
        dilation: in pixels.

    Attributes:
        fast: whether what is below is used on CPUs; off, it is plain ``nn.Conv2d``.
    """

    def __init__(self, channels: int, kernel_size: int, dilation: int = 1) -> None:
        padding = dilation * (kernel_size - 1) // 2
        super().__init__(
            channels, channels, kernel_size, padding=padding, dilation=dilation, groups=channels, bias=False
        )
        self.fast = True

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H, W)."""
        mixed = torch.is_autocast_enabled("cpu")
        wanted = self.fast and self.bias is None and (mixed or torch.is_grad_enabled())
        if not wanted or x.device.type != "cpu" or torch.compiler.is_compiling():
            return super().forward(x)
        weight: Tensor = self.weight
        if mixed:  # autocast does not see into the function below
            dtype = torch.get_autocast_dtype("cpu")
            x, weight = x.to(dtype), weight.to(dtype)
        if x.dtype not in (torch.float32, torch.bfloat16):
            return super().forward(x)
        return _Depthwise.apply(x, weight, self.dilation[0])  # type: ignore[no-any-return, no-untyped-call]


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.dilation = dilation
        return _convolve(x, weight, dilation)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        to_input = _convolve(gradient, weight.flip(2, 3), ctx.dilation) if ctx.needs_input_grad[0] else None
        to_weight = _weight_gradient(x, gradient, weight, ctx.dilation) if ctx.needs_input_grad[1] else None
        return to_input, to_weight, None


def _convolve(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    reach, channels = int(weight.shape[-1]) // 2, len(weight)  # while a graph is traced, a shape holds tensors
    if dilation == 2 and fills_in_pairs(x, channels):  # every other column is a channel's next one
        both = torch.cat([weight, weight])
        pairs = F.conv2d(in_pairs(x), both, padding=(2 * reach, reach), dilation=(2, 1), groups=2 * channels)
        return apart(pairs).data  # no view, so that what follows may work in place
    return F.conv2d(x, weight, padding=dilation * reach, dilation=dilation, groups=channels)


def _weight_gradient(x: Tensor, gradient: Tensor, weight: Tensor, dilation: int) -> Tensor:
    """The gradient (C, 1, k, k) of the filters, for an input and an output gradient of shape (N, C, H, W)."""
    size = weight.shape[-1]
    if size == 5 and x.numel() < _BLOCKS_FROM_VALUES:
        return _library_weight_gradient(x, gradient, weight, padding=2 * dilation, dilation=dilation)
    if dilation > 1:
        if x.shape[2] % dilation or x.shape[3] % dilation:
            return _library_weight_gradient(x, gradient, weight, padding=dilation * (size // 2), dilation=dilation)
        x, gradient = _phases(x, dilation), _phases(gradient, dilation)
    if size == 5 and fills_in_pairs(x, len(weight)):  # one dense gradient is faster than four
        return narrow_weight_gradient(x, gradient, 5).diagonal().permute(2, 0, 1).unsqueeze(1)
    if size != 5:
        return _library_weight_gradient(x, gradient, weight, padding=size // 2, dilation=1)
    height, width = x.shape[2:]
    padded = F.pad(x, (2, 2, 2, 2))
    result = torch.empty_like(weight)
    for row in (0, 2):  # the four blocks overlap in the middle row and column, where they agree
        for column in (0, 2):
            block = padded[:, :, row : row + height + 2, column : column + width + 2]
            block = block.contiguous(memory_format=torch.channels_last)
            filters = result[:, :, row : row + 3, column : column + 3]
            filters.copy_(_library_weight_gradient(block, gradient, filters, padding=0, dilation=1))
    return result


def _library_weight_gradient(x: Tensor, gradient: Tensor, weight: Tensor, *, padding: int, dilation: int) -> Tensor:
    if x.dtype == torch.bfloat16 and (dilation > 1 or weight.shape[-1] > 3):  # half as fast as in float32
        floats = _library_weight_gradient(
            x.float(), gradient.float(), weight.float(), padding=padding, dilation=dilation
        )
        return floats.to(x.dtype)
    result: Tensor = torch.ops.aten.convolution_backward(
        gradient,
        x,
        weight,
        None,
        [1, 1],
        [padding, padding],
        [dilation, dilation],
        False,
        [0, 0],
        weight.shape[0],
        [False, True, False],
    )[1]
    return result


def _phases(x: Tensor, step: int) -> Tensor:
    """(N, C, H, W) to (N * step^2, C, H / step, W / step), channels last: a dilated filter is dense on each phase."""
    count, channels, height, width = x.shape
    split = x.permute(0, 2, 3, 1).reshape(count, height // step, step, width // step, step, channels)
    phases = split.permute(0, 2, 4, 1, 3, 5).reshape(-1, height // step, width // step, channels)
    return phases.permute(0, 3, 1, 2)
