"""Opacity of enlarged pictures: bounded by what is near, and colours under it that do not show through at edges."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray


def within_neighbourhood(enlarged: NDArray[Any], alpha: NDArray[Any], scale: int) -> NDArray[Any]:
    """Enlarged opacity, bounded in place by the least and the most of the 3x3 pixels that it comes from.

    Args:
        enlarged: (scale * H, scale * W).
        alpha: (H, W), of the same type.
        scale: by how much it was enlarged.
    """
    height, width = alpha.shape
    padded = np.pad(alpha, 1, mode="edge")
    least, most = alpha.copy(), alpha.copy()
    for down, across in product(range(3), repeat=2):
        near = padded[down : down + height, across : across + width]
        np.minimum(least, near, out=least)
        np.maximum(most, near, out=most)
    for nearby, bound in ((least, np.maximum), (most, np.minimum)):
        bound(enlarged, nearby.repeat(scale, 0).repeat(scale, 1), out=enlarged)
    return enlarged


def filled(pixels: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """A picture in which fully clear pixels have the colour of a visible one near them.

    Whatever they hide (often black) would else darken the edges. It is the nearest one in the pixel's row or column;
    where there is none in either, the nearest in its row that was filled so.

    Args:
        pixels: (H, W) or (H, W, 3).
        alpha: (H, W); 0 is fully clear.
    """
    clear = alpha == 0
    if not clear.any() or clear.all():
        return pixels
    rows, columns = np.indices(clear.shape, np.int32, sparse=True)
    column, across = _nearest(~clear)
    row, down = (found.T for found in _nearest(~clear.T))
    sideways = across <= down
    result: NDArray[Any] = pixels[np.where(sideways, rows, row), np.where(sideways, column, columns)]
    known = np.minimum(across, down) < _FAR
    if not known.all():
        column, _ = _nearest(known)
        result = result[rows, column]
    return result


#: Pixels; no picture is so wide or high, and sums of it fit into 32 bits.
_FAR = 1 << 28


def _nearest(known: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """For every place the nearest known one in its row: its column, and how far away it is (:data:`_FAR`: nowhere)."""
    width = known.shape[1]
    places = np.arange(width, dtype=np.int32)
    before = np.maximum.accumulate(np.where(known, places, np.int32(-_FAR)), axis=1)
    after = np.minimum.accumulate(np.where(known, places, np.int32(_FAR + width))[:, ::-1], axis=1)[:, ::-1]
    to_before, to_after = places - before, after - places
    distance = np.minimum(np.minimum(to_before, to_after), np.int32(_FAR))
    column = np.clip(np.where(to_before <= to_after, before, after), 0, width - 1)
    return column.astype(np.int32), distance.astype(np.int32)
