"""The eight symmetries of the square, for arrays and tensors alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hnas.views import VIEWS, turned, turned_back


def test_there_are_eight_different_ones() -> None:
    picture = np.arange(2 * 3).reshape(1, 1, 2, 3)
    views = [turned(picture, view) for view in range(VIEWS)]
    assert len({view.tobytes() + bytes(view.shape) for view in views}) == 8
    assert [view.shape[2:] for view in views] == [(2, 3), (3, 2)] * 4
    np.testing.assert_array_equal(views[0], picture)
    np.testing.assert_array_equal(views[1][0, 0], [[2, 5], [1, 4], [0, 3]])  # a quarter turn counterclockwise
    np.testing.assert_array_equal(views[4][0, 0], [[2, 1, 0], [5, 4, 3]])  # mirrored


@pytest.mark.parametrize("view", range(VIEWS))
def test_they_are_undone_and_alike_for_tensors(view: int) -> None:
    picture = np.random.default_rng(0).random((2, 3, 4, 5))
    seen = turned(picture, view)
    np.testing.assert_array_equal(turned_back(seen, view), picture)
    tensor = torch.from_numpy(picture)
    assert torch.equal(turned(tensor, view), torch.from_numpy(seen.copy()))
    assert torch.equal(turned_back(turned(tensor, view), view), tensor)
    patch = np.moveaxis(picture[0], 0, 2)  # height and width first
    np.testing.assert_array_equal(turned(patch, view, axes=(0, 1)), np.moveaxis(seen[0], 0, 2))
