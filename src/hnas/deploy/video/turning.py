"""Turns and mirrors that a video's header asks for (ISO 14496-12, 8.3.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: One as the header writes it, 16.16.
_ONE = 1 << 16


@dataclass(frozen=True)
class Turn:
    """How rows and columns become upright: first rows and columns change places, then each may run backwards."""

    transpose: bool = False
    down: bool = True
    across: bool = True

    def __call__(self, plane: NDArray[Any]) -> NDArray[Any]:
        """The upright picture of (H, W) or (H, W, C)."""
        if self.transpose:
            plane = plane.swapaxes(0, 1)
        return np.ascontiguousarray(plane[:: 1 if self.down else -1, :: 1 if self.across else -1])


def turn_of(side_data: Any) -> Turn | None:
    """The turn that a frame's display matrix asks for; None where it is no multiple of a quarter turn.

    The matrix is a, b, u, c, d, v, x, y, w: a pixel at column p and row q is shown at column a p + c q + x and row
    b p + d q + y.

    Args:
        side_data: the nine numbers in the machine's byte order, or None for an upright frame.
    """
    if side_data is None:
        return Turn()
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(side_data))
    if abs(a) == abs(d) == _ONE and b == c == 0:
        return Turn(False, d > 0, a > 0)
    if abs(b) == abs(c) == _ONE and a == d == 0:
        return Turn(True, b > 0, c > 0)
    return None
