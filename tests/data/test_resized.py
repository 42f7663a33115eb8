"""Copies of pictures at other sizes."""

from __future__ import annotations

import numpy as np

from hnas.data.folders import pair_of
from hnas.data.resized import with_resized


def test_copies_follow_the_pictures_and_keep_their_brightness() -> None:
    ramp = np.linspace(0, 255, 60 * 80).reshape(60, 80, 1).repeat(3, 2).astype(np.uint8)
    pairs = [pair_of("ramp", ramp, 2), pair_of("flat", np.full((60, 40, 3), 77, np.uint8), 2)]
    found = with_resized(pairs, (0.7, 0.5), scale=2, patch=8)
    assert found[:2] == pairs
    assert [pair.name for pair in found[2:]] == ["ramp x0.7", "flat x0.7", "ramp x0.5", "flat x0.5"]
    assert [pair.hr.shape for pair in found[2:]] == [(42, 56, 3), (42, 28, 3), (30, 40, 3), (30, 20, 3)]
    assert all(pair.hr.shape[0] == 2 * pair.lr.shape[0] for pair in found)
    assert (found[3].hr == 77).all()
    assert abs(found[2].hr.mean() - ramp.mean()) < 1


def test_copies_smaller_than_a_patch_are_left_out() -> None:
    pairs = [pair_of("p", np.zeros((60, 40, 3), np.uint8), 2)]
    assert [pair.name for pair in with_resized(pairs, (0.7, 0.5), scale=2, patch=12)] == ["p", "p x0.7"]
    assert with_resized(pairs, (), scale=2, patch=12) == pairs


def test_a_larger_copy_gives_a_small_picture_with_more_of_the_detail() -> None:
    bars = np.zeros((64, 64, 3), np.uint8)
    bars[:, ::3] = 255  # three pixels a period: gone at half the size, there at 0.75
    pair = pair_of("bars", bars, 2)
    larger = with_resized([pair], (1.5,), scale=2, patch=8)[1]
    assert larger.name == "bars x1.5"
    assert larger.hr.shape == (96, 96, 3)
    assert larger.lr.shape == (48, 48, 3)
    assert larger.lr[8:-8, 8:-8].std() > 2 * pair.lr[8:-8, 8:-8].std()
