"""The depthwise convolution's own backward against the library's."""

from __future__ import annotations

import pytest
import torch

from hnas.nets.depthwise import DepthwiseConv2d


@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("shape", [(12, 8), (7, 9), (3, 2), (80, 60)])
def test_gradients_equal_the_librarys(channels: int, size: int, dilation: int, shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    layer = DepthwiseConv2d(channels, size, dilation)
    results = []
    for fast in (True, False):
        layer.fast = fast
        layer.zero_grad()
        torch.manual_seed(1)
        x = torch.rand(2, channels, *shape).to(memory_format=torch.channels_last).requires_grad_()
        out = layer(x)
        out.backward(torch.rand_like(out))
        results.append((out.detach(), x.grad, layer.weight.grad.clone()))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("channels", [3, 8, 16])
@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("shape", [(12, 8), (7, 9), (3, 2), (80, 60), (80, 80)])
def test_bfloat16_is_float32_but_for_its_rounding(
    channels: int, size: int, dilation: int, shape: tuple[int, int]
) -> None:
    """On values that bfloat16 holds, only results are rounded: to 8 bits, so by 2^-8 at most (two roundings: 2^-7)."""
    torch.manual_seed(0)
    layer = DepthwiseConv2d(channels, size, dilation)
    x, towards = (torch.rand(2, channels, *shape).bfloat16().float() for _ in range(2))
    with torch.no_grad():
        layer.weight.copy_(layer.weight.bfloat16())
    results = []
    for mixed in (True, False):
        layer.zero_grad()
        x = x.detach().to(memory_format=torch.channels_last).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            out = layer(x)
        assert out.dtype == (torch.bfloat16 if mixed else torch.float32)
        out.backward(towards.to(out.dtype))
        assert layer.weight.grad.dtype == torch.float32
        results.append((out.detach().float(), x.grad, layer.weight.grad.clone()))
    for ours, exact in zip(*results, strict=True):
        assert float((ours - exact).abs().max()) <= 2.0**-7 * float(exact.abs().max())


def test_gradient_against_finite_differences_where_the_library_serves() -> None:
    layer = DepthwiseConv2d(2, 3, 2).double()
    x = torch.rand(1, 2, 6, 6, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))
