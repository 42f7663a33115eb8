"""MATLAB's `imresize` with the bicubic kernel, to the last bit: how this field makes its low-resolution pictures.

The kernel is Keys' cubic convolution with a = -0.5, widened by the scale when shrinking (antialiasing); borders are
mirrored with the edge pixel repeated; n rows become ceil(n * scale). Pictures of uint8 are rounded (halves up) and
clipped after each of the two passes, the vertical one first.

At whole-number scales the weights repeat, and they are fractions with a small common denominator. So a pass is a
product of one small banded matrix of whole numbers with slices of the picture, and float32 computes it exactly.

Source: R. Keys, "Cubic convolution interpolation for digital image processing", 1981; MATLAB's documentation.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnas.errors import HnasError

#: Up to here 255 times the sum of a pixel's whole-number weights stays below 2**24, so float32 sums are exact.
MAX_SCALE = 7
#: Periods of the weights computed by one product: few of its weights are wasted zeros, and it stays in the cache.
BLOCK = 16


def imresize(image: NDArray[Any], scale: float | Fraction) -> NDArray[Any]:
    """Enlarges or shrinks a picture by a whole number as MATLAB's `imresize(image, scale, "bicubic")` does.

    Args:
        image: H x W or H x W x C, not empty. uint8 gives uint8, rounded and clipped after each pass; float32 and
            float64 give the same type, neither rounded nor clipped.
        scale: 2, 3, 4, ... to enlarge; 1/2, 1/3, 1/4, ... to shrink (as a float or a `Fraction`).

    Returns:
        ceil(H * scale) x ceil(W * scale) [x C] of the same type.

    Raises:
        HnasError: another type, shape or scale.
    """
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise HnasError(f"a picture to resize has the shape H x W or H x W x C and is not empty, not {image.shape}")
    if image.dtype not in (np.uint8, np.float32, np.float64):
        raise HnasError(f"a picture to resize is uint8, float32 or float64, not {image.dtype}")
    ratio = _ratio(scale)
    shape = (*image.shape[:2], -1)
    channels = image.reshape(shape).shape[2]
    tall = _resize_rows(image.reshape(image.shape[0], -1), ratio)
    wide = _resize_columns(tall.reshape(len(tall), -1, channels), ratio)
    return wide if image.ndim == 3 else wide[:, :, 0]


def _ratio(scale: float | Fraction) -> Fraction:
    ratio = Fraction(scale).limit_denominator(MAX_SCALE) if math.isfinite(scale) else Fraction(0)
    whole = ratio > 0 and 1 in (ratio.numerator, ratio.denominator) and max(ratio, 1 / ratio) <= MAX_SCALE
    if not whole or abs(float(ratio) - float(scale)) > 1e-6:
        raise HnasError(f"pictures are resized by whole numbers, 2 to {MAX_SCALE} or 1/2 to 1/{MAX_SCALE}, not {scale}")
    return ratio


def _cubic(x: Fraction) -> Fraction:
    """Keys' kernel with a = -1/2."""
    x = abs(x)
    if x <= 1:
        return Fraction(3, 2) * x**3 - Fraction(5, 2) * x**2 + 1
    if x < 2:
        return -Fraction(1, 2) * x**3 + Fraction(5, 2) * x**2 - 4 * x + 2
    return Fraction(0)


@cache
def _weights(ratio: Fraction) -> tuple[int, list[list[int]], int]:
    """The weights of one period: `ratio.numerator` outputs from inputs that advance by `ratio.denominator` a period.

    Returns:
        The first input used, relative to the period's first; outputs x inputs whole numbers; their denominator.
    """
    narrow = min(ratio, Fraction(1))
    reach = 2 / narrow
    centres = [(Fraction(j) + Fraction(1, 2)) / ratio - Fraction(1, 2) for j in range(ratio.numerator)]
    first = math.floor(centres[0] - reach) + 1
    last = math.ceil(centres[-1] + reach) - 1
    exact = [[narrow * _cubic(narrow * (centre - i)) for i in range(first, last + 1)] for centre in centres]
    denominator = math.lcm(*(weight.denominator for row in exact for weight in row))
    return first, [[int(weight * denominator) for weight in row] for row in exact], denominator


@cache
def _block(ratio: Fraction) -> NDArray[np.float64]:
    """The matrix of BLOCK periods, whole numbers: BLOCK * numerator outputs x their inputs."""
    _, weights, _ = _weights(ratio)
    outputs, taps, step = ratio.numerator, len(weights[0]), ratio.denominator
    block = np.zeros((BLOCK * outputs, (BLOCK - 1) * step + taps))
    for period in range(BLOCK):
        block[period * outputs : (period + 1) * outputs, period * step : period * step + taps] = weights
    return block


def _padding(size: int, ratio: Fraction) -> tuple[int, int, int]:
    """Pixels to mirror before and after, and the number of blocks."""
    first, weights, _ = _weights(ratio)
    periods = math.ceil(size * ratio) // ratio.numerator
    blocks = math.ceil(periods / BLOCK)
    needed = (blocks * BLOCK - 1) * ratio.denominator + first + len(weights[0])
    return -first, max(needed - size, 0), blocks


def _resize_rows(image: NDArray[Any], ratio: Fraction) -> NDArray[Any]:
    """The vertical pass over rows x values."""
    before, after, blocks = _padding(len(image), ratio)
    padded = np.pad(image, ((before, after), (0, 0)), mode="symmetric")
    working = np.float64 if image.dtype == np.float64 else np.float32
    block = _block(ratio).astype(working)
    outputs, inputs = block.shape
    result = np.empty((blocks * outputs, image.shape[1]), image.dtype)
    for i in range(blocks):
        start = i * BLOCK * ratio.denominator
        product = block @ padded[start : start + inputs].astype(working, copy=False)
        result[i * outputs : (i + 1) * outputs] = _finish(product, ratio, image.dtype)
    return result[: math.ceil(len(image) * ratio)]


def _resize_columns(image: NDArray[Any], ratio: Fraction) -> NDArray[Any]:
    """The horizontal pass over H x W x C."""
    height, width, channels = image.shape
    before, after, blocks = _padding(width, ratio)
    padded = np.pad(image, ((0, 0), (before, after), (0, 0)), mode="symmetric").reshape(height, -1)
    working = np.float64 if image.dtype == np.float64 else np.float32
    block: NDArray[Any] = np.kron(_block(ratio).T, np.eye(channels)).astype(working)
    inputs, outputs = block.shape
    result = np.empty((height, blocks * outputs), image.dtype)
    for i in range(blocks):
        start = i * BLOCK * ratio.denominator * channels
        product = padded[:, start : start + inputs].astype(working) @ block
        result[:, i * outputs : (i + 1) * outputs] = _finish(product, ratio, image.dtype)
    return result.reshape(height, -1, channels)[:, : math.ceil(width * ratio)]


def _finish(product: NDArray[Any], ratio: Fraction, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Divides by the weights' denominator; rounds and clips where the picture is uint8."""
    denominator = _weights(ratio)[2]
    if dtype != np.uint8:
        return product / denominator
    product += denominator / 2
    product /= denominator
    np.clip(product, 0, 255, out=product)
    return product.astype(np.uint8)  # truncation: everything is positive by now
