"""3x3 convolutions to or from few channels, faster in bfloat16 on CPUs.

With at most 8 channels an output pixel fills half of the processor's vector of 16 sums. Two neighbours fill it: laid
out channels-last they are one pixel of twice the channels, and what makes both at once is a convolution of 3x4 filters
and stride 2, a quarter of whose products are with zeros. The result is the same but for the order of its sums.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Half of a vector of AVX-512.
_NARROW = 8


class Conv3x3(nn.Conv2d):
    """A 3x3 convolution of stride 1 that keeps the size, without bias; in float32, or once another module has been
    folded into it and it has a bias, it is plain ``nn.Conv2d``.

    Args:
        channels_in: of the input.
        channels_out: of the output.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C', H, W)."""
        if (
            torch.compiler.is_compiling()
            or self.bias is not None
            or not torch.is_autocast_enabled("cpu")
            or torch.get_autocast_dtype("cpu") != torch.bfloat16
            or x.device.type != "cpu"
            or x.shape[-1] % 2
            or min(self.in_channels, self.out_channels) > _NARROW
        ):
            return super().forward(x)
        return _Narrow.apply(x.bfloat16(), self.weight.bfloat16())  # type: ignore[no-any-return, no-untyped-call]


class _Narrow(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _convolve(x, weight).data  # no view, so that what follows may work in place

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        to_input = _convolve(gradient, weight.flip(2, 3).transpose(0, 1)) if ctx.needs_input_grad[0] else None
        to_weight = narrow_weight_gradient(x, gradient, weight.shape[-1]) if ctx.needs_input_grad[1] else None
        return to_input, to_weight


def _convolve(x: Tensor, weight: Tensor) -> Tensor:
    if not fills_in_pairs(x, len(weight)):
        return F.conv2d(x, weight, padding=1)
    return apart(F.conv2d(x, _for_pairs(weight), stride=(1, 2), padding=1))


def narrow_weight_gradient(x: Tensor, gradient: Tensor, size: int) -> Tensor:
    """The gradient (C', C, size, size) of a convolution's filters, for an input (N, C, H, W) and an output gradient
    (N, C', H, W); ``size`` is odd."""
    channels = gradient.shape[1]
    pairs = fills_in_pairs(x, channels)
    shape = (2 * channels, x.shape[1], size, size + 1) if pairs else (channels, x.shape[1], size, size)
    result: Tensor = torch.ops.aten.convolution_backward(
        in_pairs(gradient) if pairs else gradient,
        x,
        torch.empty(shape, dtype=x.dtype, memory_format=torch.channels_last),
        None,
        [1, 2 if pairs else 1],
        [size // 2, size // 2],
        [1, 1],
        False,
        [0, 0],
        1,
        [False, True, False],
    )[1]
    if not pairs:
        return result
    left, right = result.chunk(2)
    return left[..., :-1] + right[..., 1:]


def fills_in_pairs(x: Tensor, channels: int) -> bool:
    """Whether an output of so many channels is made faster in pairs of pixels, for an input (N, C, H, W)."""
    return x.dtype == torch.bfloat16 and channels <= _NARROW and x.shape[-1] % 2 == 0


def _for_pairs(weight: Tensor) -> Tensor:
    """(C', C, 3, 3) to (2C', C, 3, 4): the filters for the left pixel of a pair, then those for the right one."""
    both = torch.cat([F.pad(weight, (0, 1)), F.pad(weight, (1, 0))])
    return both.contiguous(memory_format=torch.channels_last)


def in_pairs(x: Tensor) -> Tensor:
    """(N, C, H, W) to (N, 2C, H, W / 2): the channels of two neighbours beside each other, which moves nothing in
    memory where ``x`` is laid out channels-last."""
    count, channels, height, width = x.shape
    return x.permute(0, 2, 3, 1).reshape(count, height, width // 2, 2 * channels).permute(0, 3, 1, 2)


def apart(pairs: Tensor) -> Tensor:
    """What :func:`in_pairs` joined: (N, 2C, H, W) to (N, C, H, 2W)."""
    count, channels, height, width = pairs.shape
    return pairs.permute(0, 2, 3, 1).reshape(count, height, 2 * width, channels // 2).permute(0, 3, 1, 2)
