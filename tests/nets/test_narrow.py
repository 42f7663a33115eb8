"""Convolutions of few channels against ``nn.Conv2d``."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.nets.depthwise import DepthwiseConv2d
from hnas.nets.narrow import Conv3x3, apart, in_pairs


def run(conv: nn.Conv2d, x: Tensor, towards: Tensor, *, mixed: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The output, and the gradients of input and weights; what follows the convolution works in place."""
    conv.zero_grad()
    x = x.detach().to(memory_format=torch.channels_last).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        out = F.leaky_relu(conv(x), 0.25, inplace=True)
    out.backward(towards.to(out.dtype))
    assert x.grad is not None
    assert conv.weight.grad is not None
    return out.detach(), x.grad, conv.weight.grad.clone()


def pictures(channels_in: int, channels_out: int, shape: tuple[int, int]) -> tuple[Conv3x3, Tensor, Tensor]:
    """Weights, inputs and output gradients that bfloat16 holds."""
    torch.manual_seed(0)
    conv = Conv3x3(channels_in, channels_out).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.no_grad():
        conv.weight.copy_(conv.weight.bfloat16())
    x, towards = (torch.randn(2, channels, *shape).bfloat16().float() for channels in (channels_in, channels_out))
    return conv, x, towards


CHANNELS = [(32, 8), (8, 32), (8, 8), (3, 32), (32, 3), (16, 16)]
SHAPES = [(12, 8), (7, 10), (6, 9), (1, 2)]


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_bfloat16_is_float32_but_for_its_rounding(channels: tuple[int, int], shape: tuple[int, int]) -> None:
    """Only results are rounded, to 8 bits: by 2^-8 at most, twice where the activation follows and for the sum of two
    gradients."""
    conv, x, towards = pictures(*channels, shape)
    for ours, exact in zip(run(conv, x, towards, mixed=True), run(conv, x, towards, mixed=False), strict=True):
        assert float((ours.float() - exact).abs().max()) <= 2.0**-6 * float(exact.abs().max())


@pytest.mark.parametrize("channels", CHANNELS)
def test_float32_is_the_librarys_to_the_bit(channels: tuple[int, int]) -> None:
    conv, x, towards = pictures(*channels, (12, 8))
    library = nn.Conv2d(*channels, 3, padding=1, bias=False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    library.load_state_dict(conv.state_dict())
    for ours, theirs in zip(run(conv, x, towards, mixed=False), run(library, x, towards, mixed=False), strict=True):
        assert torch.equal(ours, theirs)


def test_scoring_gives_what_training_does() -> None:
    conv, x, towards = pictures(32, 8, (12, 8))
    trained = run(conv, x, towards, mixed=True)[0]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(F.leaky_relu(conv(x), 0.25), trained)


@pytest.mark.parametrize("conv", [Conv3x3(8, 8), DepthwiseConv2d(8, 3, 2)])
def test_a_bias_that_was_folded_in_counts(conv: nn.Conv2d) -> None:
    x = torch.rand(1, 8, 6, 6)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        without = conv(x)
        conv.bias = nn.Parameter(torch.full((8,), 4.0))
        torch.testing.assert_close(conv(x), without + 4.0, rtol=2.0**-7, atol=0)


def test_pairs_are_neighbours_and_come_apart_again() -> None:
    x = torch.rand(2, 3, 4, 6).to(memory_format=torch.channels_last)
    pairs = in_pairs(x)
    assert pairs.shape == (2, 6, 4, 3)
    assert pairs.data_ptr() == x.data_ptr()
    assert torch.equal(pairs[:, :3], x[..., ::2])
    assert torch.equal(pairs[:, 3:], x[..., 1::2])
    assert torch.equal(apart(pairs), x)
