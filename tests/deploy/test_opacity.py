"""Opacity, against scipy's filters and its distances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from hnas.deploy.enlarge.opacity import filled, within_neighbourhood


def test_the_bounds_are_those_of_the_nearest_nine() -> None:
    rng = np.random.default_rng(0)
    alpha = rng.integers(0, 256, (13, 17), np.uint8)
    for enlarged, filter in ((np.zeros, ndimage.minimum_filter), (lambda *a: np.full(a[0], 255, a[1]), None)):
        found = within_neighbourhood(enlarged((26, 34), np.uint8), alpha, 2)
        expected = (filter or ndimage.maximum_filter)(alpha, size=3, mode="nearest")
        np.testing.assert_array_equal(found, expected.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("colours", [(), (3,)])
def test_clear_pixels_beside_visible_ones_have_a_colour_of_theirs(colours: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    for share in (0.002, 0.05, 0.5):
        visible = rng.random((40, 30)) < share
        visible[20, 10] = True
        pixels = rng.integers(1, 256, (40, 30, *colours), np.uint8)
        pixels[~visible] = 0
        result = filled(pixels, visible.astype(np.uint8))
        assert (result > 0).all()
        np.testing.assert_array_equal(result[visible], pixels[visible])
        distance = ndimage.distance_transform_cdt(~visible, metric="taxicab")
        for row, column in np.argwhere(distance == 1):
            near = [
                pixels[r, c]
                for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
                if 0 <= r < 40 and 0 <= c < 30 and visible[r, c]
            ]
            assert any((result[row, column] == colour).all() for colour in near)


def test_nothing_to_fill_is_left_as_it_is() -> None:
    pixels = np.zeros((3, 4), np.uint8)
    for alpha in (np.zeros((3, 4), np.uint8), np.ones((3, 4), np.uint8)):
        assert filled(pixels, alpha) is pixels
