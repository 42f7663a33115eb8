"""Patches: aligned, reproducible without any state, and the parts of a split disjoint."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnas.data.folders import Pair
from hnas.data.patches import PatchSampler, split_pairs
from hnas.errors import HnasError


def _pair(name: str, height: int, width: int, scale: int, seed: int = 0) -> Pair:
    """LR noise, and an HR that repeats every pixel, so that averaging blocks of an HR patch gives the LR patch."""
    lr = np.random.default_rng(seed).integers(256, size=(height, width, 3), dtype=np.uint8)
    return Pair(name, lr.repeat(scale, 0).repeat(scale, 1), lr)


@given(
    scale=st.sampled_from([2, 3, 4]), patch=st.integers(1, 12), seed=st.integers(0, 2**32), step=st.integers(0, 10**9)
)
@settings(max_examples=30, deadline=None)
def test_lr_and_hr_show_the_same_place_in_the_same_way(scale: int, patch: int, seed: int, step: int) -> None:
    pairs = [_pair("a", 12, 17, scale), _pair("b", 19, 13, scale, seed=1)]
    lr, hr = PatchSampler(pairs, scale=scale, patch=patch, batch=3, seed=seed).batch(step)
    assert lr.shape == (3, 3, patch, patch)
    assert hr.shape == (3, 3, patch * scale, patch * scale)
    assert torch.equal(hr[:, :, ::scale, ::scale], lr)
    assert torch.equal(hr[:, :, scale - 1 :: scale, scale - 1 :: scale], lr)


def test_values_are_the_pictures_divided_by_255_channels_last() -> None:
    pair = _pair("a", 8, 8, 2)
    lr, hr = PatchSampler([pair], scale=2, patch=8, batch=1, seed=0, augment=False).batch(5)
    assert lr.dtype == hr.dtype == torch.float32
    assert torch.equal(lr[0], torch.from_numpy(pair.lr).permute(2, 0, 1) / 255)
    assert torch.equal(hr[0], torch.from_numpy(pair.hr).permute(2, 0, 1) / 255)
    assert hr.is_contiguous(memory_format=torch.channels_last)


def test_all_eight_symmetries_of_the_square_and_all_places_and_pictures_appear() -> None:
    pairs = [_pair("a", 4, 4, 2), _pair("b", 5, 4, 2, seed=1)]
    sampler = PatchSampler(pairs, scale=2, patch=4, batch=64, seed=0)
    seen = {patch.numpy().tobytes() for step in range(4) for patch in sampler.batch(step)[0].contiguous()}
    assert len(seen) == 8 * (1 + 2)  # one place in a, two in b
    plain = PatchSampler(pairs, scale=2, patch=4, batch=64, seed=0, augment=False)
    assert len({patch.numpy().tobytes() for patch in plain.batch(0)[0].contiguous()}) == 3


def test_a_batch_is_a_function_of_seed_step_and_rank() -> None:
    pairs = [_pair("a", 64, 64, 2)]

    def batch(seed: int, step: int, rank: int) -> torch.Tensor:
        return PatchSampler(pairs, scale=2, patch=8, batch=4, seed=seed).batch(step, rank)[1]

    used = PatchSampler(pairs, scale=2, patch=8, batch=4, seed=1)
    for step in range(3):
        used.batch(step)
    assert torch.equal(used.batch(7, 2)[1], batch(1, 7, 2))
    different = [batch(1, 7, 2), batch(2, 7, 2), batch(1, 8, 2), batch(1, 7, 3), batch(7, 1, 2), batch(1, 2, 7)]
    assert not any(torch.equal(a, b) for i, a in enumerate(different) for b in different[:i])


def test_what_cannot_be_cut_is_refused_by_name() -> None:
    with pytest.raises(HnasError, match=r"small\.png: 9x7 LR pixels are smaller than a patch of 8x8.*at most 7"):
        PatchSampler([_pair("good.png", 8, 8, 2), _pair("small.png", 7, 9, 2)], scale=2, patch=8, batch=1, seed=0)
    with pytest.raises(HnasError, match=r"a\.png: HR \(16, 16\) is not 3 times LR \(8, 8\)"):
        PatchSampler([_pair("a.png", 8, 8, 2)], scale=3, patch=8, batch=1, seed=0)
    with pytest.raises(HnasError, match="no pictures"):
        PatchSampler([], scale=2, patch=8, batch=1, seed=0)


@given(
    count=st.integers(3, 40),
    cut=st.tuples(st.floats(0.01, 0.5), st.floats(0.01, 0.45)),
    seed=st.integers(0, 1000),
)
def test_a_split_is_disjoint_and_complete_and_near_its_fractions(
    count: int, cut: tuple[float, float], seed: int
) -> None:
    pairs = [_pair(str(index), 1, 1, 2) for index in range(count)]
    fractions = [*cut, 1 - sum(cut)]
    parts = split_pairs(pairs, fractions, seed=seed)
    names = [pair.name for part in parts for pair in part]
    assert sorted(names) == sorted(pair.name for pair in pairs)
    assert all(parts)
    assert all(abs(len(part) - count * wanted) <= 3 for part, wanted in zip(parts, fractions, strict=True))


def test_the_split_of_the_paper_is_exact_on_ten_pictures_and_depends_on_the_seed() -> None:
    pairs = [_pair(str(index), 1, 1, 2) for index in range(10)]
    parts = split_pairs(pairs, (0.4, 0.6), seed=0)
    assert [len(part) for part in parts] == [4, 6]
    assert {pair.name for pair in split_pairs(pairs, (0.4, 0.6), seed=1)[0]} != {pair.name for pair in parts[0]}


@pytest.mark.parametrize("fractions", [(), (0.5, 0.4), (1.5, -0.5), (1.0, 0.0)])
def test_fractions_that_make_no_split_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(HnasError, match="add up to 1"):
        split_pairs([_pair("a", 1, 1, 2), _pair("b", 1, 1, 2)], fractions, seed=0)


def test_too_few_pictures_for_a_split_are_refused() -> None:
    with pytest.raises(HnasError, match="1 pictures cannot be shared out into 2 parts"):
        split_pairs([_pair("a", 1, 1, 2)], (0.5, 0.5), seed=0)
