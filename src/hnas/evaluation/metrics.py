"""PSNR and SSIM as super-resolution papers compute them: on luma, with the border cut off."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from hnas.brightness import FOOTROOM, VIDEO
from hnas.errors import HnasError

Luma = NDArray[np.float64]
"""H x W, 16..235 for pictures of 0..255."""

#: Width of SSIM's window: a Gaussian of sigma 1.5 cut at 3.5 sigma.
WINDOW = 11
_SIGMA = 1.5


def luma(picture: NDArray[Any]) -> Luma:
    """Y of ITU-R BT.601 with footroom (16..235), not rounded, as MATLAB's `rgb2ycbcr` has it.

    Args:
        picture: H x W x 3, RGB, 0..255, of any type.
    """
    red, green, blue = (picture[:, :, channel].astype(np.float64) for channel in range(3))
    luma: Luma = FOOTROOM + (VIDEO[0] * red + VIDEO[1] * green + VIDEO[2] * blue) / 255
    return luma


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio in dB for a peak of 255; infinite for equal arrays."""
    error = float(np.mean(np.square(a.astype(np.float64) - b)))
    return 10 * math.log10(255**2 / error) if error else math.inf


def ssim(a: Luma, b: Luma) -> float:
    """Mean structural similarity: 11x11 Gaussian windows of sigma 1.5 that lie wholly inside, a range of 255.

    Source: Z. Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004, eq. 13.

    Args:
        a: H x W, 0..255.
        b: the same shape.

    Raises:
        HnasError: fewer than 11 pixels a side.
    """
    if min(a.shape) < WINDOW:
        raise HnasError(f"SSIM needs {WINDOW}x{WINDOW} pixels inside the cropped border, not {a.shape[1]}x{a.shape[0]}")

    def blurred(x: Luma) -> Luma:
        inside: Luma = gaussian_filter(x, _SIGMA, radius=WINDOW // 2)
        return inside[WINDOW // 2 : -(WINDOW // 2), WINDOW // 2 : -(WINDOW // 2)]

    mean_a, mean_b = blurred(a), blurred(b)
    product = mean_a * mean_b
    squares = mean_a**2 + mean_b**2
    covariance = blurred(a * b) - product
    variances = blurred(a * a + b * b) - squares  # of a and of b, which the formula only adds
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(np.mean((2 * product + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))))


def psnr_y(sr: NDArray[Any], hr: NDArray[Any], crop: int) -> float:
    """PSNR in dB on Y.

    Args:
        sr: H x W x 3, RGB, 0..255.
        hr: the same shape.
        crop: pixels cut off on every side; the field takes the scale.

    Raises:
        HnasError: different shapes, or nothing left inside the border.
    """
    return psnr(_inside(sr, hr, crop), _inside(hr, sr, crop))


def ssim_y(sr: NDArray[Any], hr: NDArray[Any], crop: int) -> float:
    """SSIM on Y; as `psnr_y`, and at least 11 pixels a side inside the border."""
    return ssim(_inside(sr, hr, crop), _inside(hr, sr, crop))


def _inside(picture: NDArray[Any], other: NDArray[Any], crop: int) -> Luma:
    if picture.shape != other.shape or picture.ndim != 3 or picture.shape[2] != 3:
        raise HnasError(f"pictures to compare have one shape H x W x 3, not {picture.shape} and {other.shape}")
    height, width = picture.shape[:2]
    if min(height, width) <= 2 * crop:
        raise HnasError(f"a picture of {width}x{height} pixels has nothing inside a border of {crop}")
    return luma(picture[crop : height - crop, crop : width - crop])
