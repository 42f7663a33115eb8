"""PSNR and SSIM against scikit-image, closed forms, and the rows for bicubic interpolation that papers print."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from hnas.data.sample import sample_pictures
from hnas.errors import HnasError
from hnas.evaluation.metrics import luma, psnr, psnr_y, ssim, ssim_y


def _reference(a: np.ndarray, b: np.ndarray) -> float:
    return float(
        structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
    )


def test_luma_of_known_colours() -> None:
    # ITU-R BT.601: black 16, white 235; the primaries 65.481, 128.553 and 24.966 above black.
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    np.testing.assert_allclose(luma(colours), [[16, 235, 81.481, 144.553, 40.966]], atol=1e-9)


def test_ssim_of_photographs_agrees_with_scikit_image() -> None:
    rng = np.random.default_rng(0)
    pictures = sample_pictures()
    for name in ("chelsea", "coffee", "brick"):
        y = luma(pictures[name])
        for other in (gaussian_filter(y, 1), (y + rng.normal(0, 8, y.shape)).clip(0, 255), 255 - y):
            assert ssim(y, other) == pytest.approx(_reference(y, other), abs=1e-6), name


@settings(max_examples=30)
@given(
    height=st.integers(11, 40),
    width=st.integers(11, 40),
    seed=st.integers(0, 2**32 - 1),
    contrast=st.sampled_from([0, 0.01, 1, 100]),
)
def test_ssim_of_anything_agrees_with_scikit_image(height: int, width: int, seed: int, contrast: float) -> None:
    rng = np.random.default_rng(seed)
    a = (128 + contrast * rng.standard_normal((height, width))).clip(0, 255)
    b = (128 + contrast * rng.standard_normal((height, width))).clip(0, 255)
    assert ssim(a, b) == pytest.approx(_reference(a, b), abs=1e-6)


def test_psnr_of_known_errors() -> None:
    flat = np.full((20, 20), 100.0)
    assert psnr(flat, flat) == math.inf
    assert psnr(flat, flat + 255) == pytest.approx(0)
    assert psnr(flat, flat - 25.5) == pytest.approx(20)
    gray = np.full((20, 20, 3), 100, np.uint8)
    # A step of one gray level is 219 / 255 on Y.
    assert psnr_y(gray, gray + np.uint8(1), 2) == pytest.approx(20 * math.log10(255 * 255 / 219))


def test_the_border_does_not_count() -> None:
    hr = sample_pictures()["coffee"]
    sr = hr.copy()
    sr[:3] = sr[-3:] = 0
    sr[:, :3] = sr[:, -3:] = 0
    assert psnr_y(sr, hr, 3) == math.inf
    assert ssim_y(sr, hr, 3) == pytest.approx(1)
    assert psnr_y(sr, hr, 2) < 40


@pytest.mark.parametrize(
    ("shape", "other", "crop", "words"),
    [
        ((20, 20, 3), (20, 21, 3), 2, "one shape"),
        ((20, 20, 1), (20, 20, 1), 2, "one shape"),
        ((4, 20, 3), (4, 20, 3), 2, "nothing inside"),
        ((14, 20, 3), (14, 20, 3), 2, "11x11"),
    ],
)
def test_what_cannot_be_measured(shape: tuple[int, ...], other: tuple[int, ...], crop: int, words: str) -> None:
    with pytest.raises(HnasError, match=words):
        ssim_y(np.zeros(shape, np.uint8), np.zeros(other, np.uint8), crop)
