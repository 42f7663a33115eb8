"""PSNR of a batch of pictures, as scores of genotypes are computed."""

from __future__ import annotations

import torch
from torch import Tensor

from hnas.brightness import VIDEO
from hnas.nets.common import enlarge_image

#: What rounding to 8 bits adds to the squared error: without it a flat patch scores an infinite PSNR.
_ROUNDING_ERROR = 1.0 / 12.0


def batch_psnr(sr: Tensor, hr: Tensor, border: int) -> float:
    """PSNR on Y in dB, averaged over the pictures of a batch.

    Args:
        sr: what the network made, N x 3 x H x W, clamped to [0, 1] here; not rounded, but the error of rounding counts.
        hr: the true pictures, the same shape.
        border: pixels left out on every side (the scale, as the field does).
    """
    return float(psnr_of_each(sr, hr, border).mean())


def psnr_of_each(sr: Tensor, hr: Tensor, border: int) -> Tensor:
    """(N,): the same of every picture, with its gradient."""
    weights = torch.tensor(VIDEO, device=hr.device).view(1, 3, 1, 1)
    difference = ((sr.float().clamp(0.0, 1.0) - hr.float()) * weights).sum(1)[:, border:-border, border:-border]
    error = difference.square().mean((1, 2)) + _ROUNDING_ERROR
    return 10.0 * torch.log10(255.0**2 / error)


def bicubic_psnr(lr: Tensor, hr: Tensor) -> float:
    """The PSNR of bicubic interpolation: what a network that has learnt nothing gives with a bicubic skip."""
    scale = hr.shape[-1] // lr.shape[-1]
    return batch_psnr(enlarge_image(lr, scale, "bicubic"), hr, scale)
