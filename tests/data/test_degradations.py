"""Degradations: as they are written, what each does, and that copies are a function of the seed.

Every kind keeps the promises of all of them.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hnas.conformance import DEGRADATION_PROMISES
from hnas.data.benchmarks import find_benchmarks
from hnas.data.degradations import (
    DEGRADATIONS,
    Step,
    as_degraded,
    blur,
    degraded_copies,
    jpeg,
    noise,
    read_degradation,
)
from hnas.data.folders import Pair
from hnas.errors import HnasError


@st.composite
def steps(draw: st.DrawFn) -> Step:
    name = draw(st.sampled_from(sorted(DEGRADATIONS)))
    allowed = st.floats(DEGRADATIONS[name].least, DEGRADATIONS[name].most)
    low, high = sorted(draw(st.tuples(allowed, allowed)))
    return Step(name, low + 0.0, high + 0.0)


@given(st.lists(steps(), min_size=1, max_size=4))
def test_what_is_written_is_read(some: list[Step]) -> None:
    assert read_degradation("+".join(map(str, some))) == tuple(some)


def test_single_values_and_ranges() -> None:
    assert read_degradation("blur:0-1+jpeg:50") == (Step("blur", 0, 1), Step("jpeg", 50, 50))
    assert read_degradation("") == ()
    assert str(Step("noise", 0.00001, 12)) == "noise:0.00001-12"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jpg:50", "'jpg' is none of jpeg, blur, noise"),
        ("jpeg", "'jpeg' is not written as jpeg:LOW-HIGH"),
        ("jpeg:a-b", "'jpeg:a-b' is not written as jpeg:LOW-HIGH"),
        ("jpeg:95-30", "jpeg goes from 1 to 100, the lower value first"),
        ("jpeg:0-30", "jpeg goes from 1 to 100"),
        ("noise:nan", "noise goes from 0 to 100"),
        ("blur:1++noise:3", "'' is none of"),
    ],
)
def test_what_is_not_allowed_is_told_in_one_line(text: str, words: str) -> None:
    with pytest.raises(HnasError) as raised:
        read_degradation(text)
    assert words in str(raised.value)
    assert text in str(raised.value)
    assert "\n" not in str(raised.value)


def _photo(height: int = 40, width: int = 56) -> np.ndarray:
    """Smooth colours with an edge and some grain."""
    rows, columns = np.mgrid[:height, :width]
    grain = np.random.default_rng(0).normal(0, 4, (height, width, 3))
    colours = np.dstack([2 * rows + 40, 3 * columns, 200 - rows - columns]) + 60 * (columns > 30)[..., None]
    return np.clip(colours + grain, 0, 255).astype(np.uint8)


def test_jpeg_is_what_pillow_writes_at_that_quality_with_full_or_half_colour() -> None:
    picture, found = _photo(), set()
    written = {}
    for subsampling in (0, 2):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=40, subsampling=subsampling)
        written[np.asarray(Image.open(file)).tobytes()] = subsampling
    for seed in range(20):
        found.add(written[jpeg(picture, 40.2, np.random.default_rng(seed)).tobytes()])
    assert found == {0, 2}


@pytest.mark.parametrize("sigma", [0.8, 1.5, 3.0])
def test_blur_spreads_a_point_by_its_sigma(sigma: float) -> None:
    picture = np.zeros((41, 41, 3), np.uint8)
    picture[18:23, 18:23] = 255
    spread = blur(picture, sigma, np.random.default_rng(0)).astype(float)[..., 0]
    places = np.arange(41) - 20
    mass = spread.sum(0)
    # The variances of the square and of the Gaussian add up; Pillow's is made of boxes, and rounds to 8 bits.
    assert (mass * places**2).sum() / mass.sum() == pytest.approx(2 + sigma**2, rel=0.1)
    assert spread.sum() == pytest.approx(25 * 255, rel=0.05)


def test_noise_has_its_sigma_in_every_channel() -> None:
    noisy = noise(np.full((200, 200, 3), 128, np.uint8), 10, np.random.default_rng(0)).astype(float)
    assert noisy.mean((0, 1)) == pytest.approx([128] * 3, abs=0.3)
    assert noisy.std((0, 1)) == pytest.approx([10] * 3, rel=0.03)
    edges = noise(np.array([[[0, 255, 0]] * 9], np.uint8), 50, np.random.default_rng(0))
    assert edges.dtype == np.uint8
    assert edges[..., 0].max() < 200 < edges[..., 1].max()  # values are clipped, they do not wrap round


def test_copies_are_a_function_of_the_seed_and_keep_the_large_picture() -> None:
    hr = _photo(80, 112)
    pairs = [Pair("a", hr, _photo()), Pair("b", hr, _photo()[:, ::-1])]
    steps = read_degradation("noise:1-20+jpeg:30-95")
    copies = degraded_copies(pairs, steps, 2, seed=3)
    assert [copy.name for copy in copies] == ["a", "b", "a", "b"]
    assert all(copy.hr is hr for copy in copies)
    assert len({copy.lr.tobytes() for copy in copies}) == 4
    again = degraded_copies(pairs, steps, 2, seed=3)
    assert all(np.array_equal(one.lr, other.lr) for one, other in zip(copies, again, strict=True))
    other = degraded_copies(pairs, steps, 2, seed=4)
    assert not any(np.array_equal(one.lr, two.lr) for one, two in zip(copies, other, strict=True))
    assert as_degraded(pairs, "", seed=0) == pairs


def test_a_benchmark_is_degraded_alike_every_time_and_says_so_in_its_name() -> None:
    ((name, load),) = find_benchmarks(["sample"], degradation="jpeg:30")
    ((_, clean),) = find_benchmarks(["sample"])
    assert name == "sample, jpeg:30"
    for one, again, pair in zip(load(4), load(4), clean(4), strict=True):
        assert np.array_equal(one.lr, again.lr)
        assert np.array_equal(one.hr, pair.hr)
        assert 1 < np.abs(one.lr.astype(int) - pair.lr).mean() < 20


@pytest.mark.parametrize("promise", DEGRADATION_PROMISES)
@pytest.mark.parametrize("name", DEGRADATIONS)
def test_degradations_keep_their_promises(promise: Callable[[str], None], name: str) -> None:
    promise(name)
