"""The eight symmetries of the square: a picture turned and mirrored, and back. Arrays and tensors alike."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

A = TypeVar("A", bound=Any)

#: How many there are; number 0 changes nothing, an odd one exchanges height and width.
VIEWS = 8


def turned(picture: A, view: int, *, axes: tuple[int, int] = (-2, -1)) -> A:
    """A picture in one of its views: turned counterclockwise ``view % 4`` times, then from 4 on mirrored.

    Args:
        picture: a numpy array (no copy is made) or a torch tensor.
        view: 0 to 7.
        axes: of height and width.
    """
    result = _rotated(picture, view % 4, axes)
    return _mirrored(result, axes[1]) if view >= 4 else result


def turned_back(picture: A, view: int, *, axes: tuple[int, int] = (-2, -1)) -> A:
    """Undoes :func:`turned`."""
    return _rotated(_mirrored(picture, axes[1]) if view >= 4 else picture, -(view % 4), axes)


def _rotated(picture: A, times: int, axes: tuple[int, int]) -> A:
    result: A = np.rot90(picture, times, axes) if isinstance(picture, np.ndarray) else picture.rot90(times, axes)
    return result


def _mirrored(picture: A, axis: int) -> A:
    result: A = np.flip(picture, axis) if isinstance(picture, np.ndarray) else picture.flip(axis)
    return result
