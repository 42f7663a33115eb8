from __future__ import annotations

import pytest
import torch

from hnas.training.losses import FFT_WEIGHT, l1_fft_loss


@pytest.mark.parametrize("size", [(8, 8), (5, 7), (6, 1), (1, 4), (3, 2)])
def test_the_gradient_of_the_spectral_loss_is_that_of_torchs_own_transform(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    sr, hr = (torch.rand(2, 3, *size, generator=generator) for _ in range(2))
    sr.requires_grad_()
    spectrum = torch.view_as_real(torch.fft.rfft2(sr - hr))
    expected = (sr - hr).abs().mean() + FFT_WEIGHT * spectrum.abs().mean()
    loss = l1_fft_loss(sr, hr)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, sr), torch.autograd.grad(expected, sr))
