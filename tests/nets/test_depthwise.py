"""The depthwise convolution's own backward against the library's."""

from __future__ import annotations

import pytest
import torch

from hnas.nets.depthwise import DepthwiseConv2d


@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("shape", [(12, 8), (7, 9), (3, 2)])
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


def test_gradient_against_finite_differences_where_the_library_serves() -> None:
    layer = DepthwiseConv2d(2, 3, 2).double()
    x = torch.rand(1, 2, 6, 6, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))
