"""What training makes small."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import l1_loss

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

#: Weight of the spectral term, as in SAFMN (Sun et al., 2023, section 4.1).
FFT_WEIGHT = 0.05


def l1_fft_loss(sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
    """Mean absolute error plus 0.05 times that of the real and imaginary parts of the 2D spectrum (unscaled).

    Args:
        sr: the network's picture, (N, 3, H, W).
        hr: the true one, the same shape, RGB in [0, 1].
    """
    # The transform is linear: that of the difference is the difference of the transforms.
    spectrum = torch.view_as_real(torch.fft.rfft2((sr - hr).float()))
    return l1_loss(sr, hr) + FFT_WEIGHT * spectrum.abs().mean()


#: By the name in the settings.
LOSSES: dict[str, Loss] = {"l1": l1_loss, "l1+fft": l1_fft_loss}
