"""Where a patch lies in a picture, and how it is mirrored and turned."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hnas.views import turned


class Place(NamedTuple):
    """One patch of a batch.

    Attributes:
        picture: number of the pair of pictures.
        top: first row of the LR patch, pixels.
        left: first column of the LR patch, pixels.
        variant: which of its views (:mod:`hnas.views`), 0 to 7.
        taught: whether the HR patch comes from the teacher's picture.
    """

    picture: int
    top: int
    left: int
    variant: int
    taught: bool


def cut(picture: np.ndarray[Any, Any], place: Place, side: int, scale: int = 1) -> np.ndarray[Any, Any]:
    """The patch of a picture (H, W, 3) at a place, (side, side, 3) without a copy; all lengths are times the scale."""
    top, left, side = place.top * scale, place.left * scale, side * scale
    return turned(picture[top : top + side, left : left + side], place.variant, axes=(0, 1))
