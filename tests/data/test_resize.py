"""imresize against a golden array worked out by hand, Pillow's kernel, and the published low-resolution files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from hnas.data.resize import imresize
from hnas.errors import HnasError

# Keys' kernel with a = -1/2 at the distances 1/4, 3/4, 5/4 and 7/4 is 111, 29, -9 and -3 over 128. Halving takes half
# of each on both sides: (-3 -9 29 111 111 29 -9 -3) / 256 around the centre of every second gap between pixels.
COLUMNS = np.array([[0, 0, 0, 0, 255, 255, 255, 255]] * 2, np.uint8)
# Step from 0 to 255 between pixels 3 and 4, mirrored borders. Sums of the weights that fall on 255, of 256:
# outputs 0 to 3 are centred on the gaps 0|1, 2|3, 4|5, 6|7; output 1 sees (29 -9 -3) = 17 -> 16.93, output 2 sees
# 256 - 17 = 239 -> 238.07, output 0 sees -3 -> below 0 -> 0, output 3 sees 259 -> above 255 -> 255.
HALF_OF_COLUMNS = np.array([[0, 17, 238, 255]], np.uint8)
# Doubling: an output 1/4 before a pixel takes (-3 29 111 -9 0) / 128 of the five pixels around it, one 1/4 after it
# the mirror image. Around the step 0 0 | 255 255, of 128 on 255: outputs 0 to 2 see 0, -3 and -9 -> below 0 -> 0;
# output 3 (after pixel 1) sees 29 - 3 = 26 -> 51.80; output 4 sees 128 - 26 = 102 -> 203.20; the rest see at least 128.
DOUBLE_OF_STEP = np.array([[0, 0, 0, 52, 203, 255, 255, 255]] * 2, np.uint8)


def test_golden_halving() -> None:
    assert np.array_equal(imresize(COLUMNS, 1 / 2), HALF_OF_COLUMNS)
    assert np.array_equal(imresize(COLUMNS.T.copy(), 1 / 2), HALF_OF_COLUMNS.T)


def test_golden_doubling() -> None:
    step = np.array([[0, 0, 255, 255]], np.uint8)
    assert np.array_equal(imresize(step, 2), DOUBLE_OF_STEP)


def test_rows_come_first_and_are_rounded() -> None:
    # Vertical first: every column holds a step, so the column sums are 17 or 238 before the horizontal pass sees them.
    image = np.zeros((8, 8), np.uint8)
    image[4:, 4:] = 255
    # Horizontal pass over (0 0 0 0 17 17 17 17): 17 * 17 / 256 = 1.13 -> 1, 17 * 239 / 256 = 15.87 -> 16,
    # 17 * 259 / 256 = 17.2 -> 17; over 238: 15.80 -> 16, 222.2 -> 222, 240.8 -> 241; over 255 as in the golden row.
    expected = [[0, 0, 0, 0], [0, 1, 16, 17], [0, 16, 222, 241], [0, 17, 238, 255]]
    assert np.array_equal(imresize(image, 1 / 2), np.array(expected, np.uint8))


@pytest.mark.parametrize("scale", [2, 3, 4, Fraction(1, 2), Fraction(1, 3), Fraction(1, 4)])
def test_interior_agrees_with_pillow(scale: Fraction | int) -> None:
    # Pillow has the same kernel and antialiasing in float, but other borders.
    image = np.random.default_rng(0).uniform(0, 255, (48, 60)).astype(np.float32)
    ours = imresize(image, scale)
    theirs = np.asarray(Image.fromarray(image).resize(ours.shape[::-1], Image.Resampling.BICUBIC))
    edge = int(max(3 * scale, 3))
    inside = (slice(edge, -edge), slice(edge, -edge))
    assert np.abs(ours[inside] - theirs[inside]).max() < 1e-3


@pytest.mark.parametrize("name", ["Set5", "Set14"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bit_identical_to_the_published_pictures(shared_data: Path, name: str, scale: int) -> None:
    folder = shared_data / "benchmark" / name
    pictures = sorted((folder / "HR").glob("*.png"))
    assert pictures
    for path in pictures:
        hr = np.asarray(Image.open(path))
        published = np.asarray(Image.open(folder / "LR_bicubic" / f"X{scale}" / f"{path.stem}x{scale}.png"))
        height, width = (length // scale * scale for length in hr.shape[:2])
        assert np.array_equal(imresize(hr[:height, :width], 1 / scale), published), path.name


@given(
    image=arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3))),
    scale=st.sampled_from([2, 3, 4, 1 / 2, 1 / 3, 1 / 4]),
)
def test_every_size_works_and_channels_are_alone(image: np.ndarray, scale: float) -> None:
    resized = imresize(image, scale)
    exact = Fraction(scale).limit_denominator(4)
    assert resized.shape == (-(-image.shape[0] * exact // 1), -(-image.shape[1] * exact // 1), image.shape[2])
    for channel in range(image.shape[2]):
        assert np.array_equal(resized[:, :, channel], imresize(image[:, :, channel], scale))


def _by_definition(line: np.ndarray, scale: Fraction) -> np.ndarray:
    """One line resized as the definition says it, in float: kernel, widening, mirrored borders, normalised weights."""

    def cubic(x: float) -> float:
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

    narrow = float(min(scale, Fraction(1)))
    mirrored = np.concatenate([line, line[::-1]])
    outputs = []
    for j in range(-(-len(line) * scale // 1)):
        centre = float((j + Fraction(1, 2)) / scale - Fraction(1, 2))
        reach = range(int(centre - 2 / narrow) - 2, int(centre + 2 / narrow) + 3)
        weights = np.array([cubic(narrow * (centre - i)) for i in reach])
        outputs.append(weights @ mirrored[[i % len(mirrored) for i in reach]] / weights.sum())
    return np.array(outputs)


@given(
    line=arrays(np.float64, st.integers(1, 45), elements=st.floats(0, 255)),
    scale=st.sampled_from([Fraction(n) for n in (2, 3, 4, 7)] + [Fraction(1, n) for n in (2, 3, 4, 7)]),
)
def test_float_follows_the_definition(line: np.ndarray, scale: Fraction) -> None:
    expected = _by_definition(line, scale)
    np.testing.assert_allclose(imresize(np.tile(line, (3, 1)), scale)[0], expected, atol=1e-9)
    np.testing.assert_allclose(imresize(np.tile(line, (3, 1)).T, scale)[:, 0], expected, atol=1e-9)


def test_float_keeps_a_constant_and_its_type() -> None:
    for dtype in (np.float32, np.float64):
        resized = imresize(np.full((7, 9, 3), -3.25, dtype), 3)
        assert resized.dtype == dtype
        assert resized.shape == (21, 27, 3)
        np.testing.assert_allclose(resized, -3.25, rtol=1e-6)


@pytest.mark.parametrize(
    ("image", "scale", "words"),
    [
        (np.zeros((4, 4), np.uint16), 2, "uint16"),
        (np.zeros((0, 4), np.uint8), 2, "not empty"),
        (np.zeros(4, np.uint8), 2, "shape"),
        (np.zeros((4, 4), np.uint8), 1.5, "1.5"),
        (np.zeros((4, 4), np.uint8), 0, "not 0"),
        (np.zeros((4, 4), np.uint8), float("nan"), "nan"),
        (np.zeros((4, 4), np.uint8), 100, "100"),
    ],
)
def test_what_it_refuses(image: np.ndarray, scale: float, words: str) -> None:
    with pytest.raises(HnasError, match=words):
        imresize(image, scale)
