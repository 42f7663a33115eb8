"""Cutting a picture into tiles whose joined results equal the picture run at once.

An output pixel depends on the input within the network's receptive radius only. A tile that is read with a margin of
at least that radius, and cut at the picture's edge where the margin would leave it, therefore gives exactly the
pixels that the whole picture would give.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

from hnas.around import Around

#: Larger tiles are no faster on a CPU, and this leaves room for the pictures themselves (measured: docs/speed.md).
CPU_TILE_BYTES = 448 << 20
#: In margins: of a smaller tile, most of the work would go into the margin.
_WORTHWHILE_SIDE = 1
#: Pixels; automatic tiles are so large at least and at most.
SMALLEST_TILE, _LARGEST_TILE = 16, 1024


@dataclass(frozen=True)
class Tile:
    """A part of a picture, in low-resolution pixels.

    Attributes:
        top, left, bottom, right: the pixels that the tile is responsible for.
        window: top, left, bottom and right of the pixels that it reads: these and the margin, within the picture.
    """

    top: int
    left: int
    bottom: int
    right: int
    window: tuple[int, int, int, int]

    @property
    def around(self) -> Around:
        """Pixels that it reads above, left of, below and right of its own."""
        top, left, bottom, right = self.window
        return self.top - top, self.left - left, bottom - self.bottom, right - self.right


def plan_tiles(height: int, width: int, side: int, margin: int) -> Iterator[Tile]:
    """Covers a picture with tiles of about equal size, row by row.

    Args:
        height: of the picture.
        width: of the picture.
        side: most pixels of a tile's side, without the margin; 0 is one tile for everything.
        margin: pixels read around a tile, at least the network's receptive radius.
    """
    rows, columns = (_cuts(length, side) for length in (height, width))
    for top, bottom in rows:
        for left, right in columns:
            window = (
                max(0, top - margin), max(0, left - margin), min(height, bottom + margin), min(width, right + margin)
            )  # fmt: skip
            yield Tile(top, left, bottom, right, window)


def _cuts(length: int, side: int) -> list[tuple[int, int]]:
    count = ceil(length / side) if side else 1
    places = [length * index // count for index in range(count + 1)]
    return list(itertools.pairwise(places))


def tile_side(tile_bytes: Callable[[int], int], margin: int, *, usual: int, free: int) -> int:
    """The side of a square tile (its own pixels), by the memory that it takes.

    Args:
        tile_bytes: memory that a tile of a side takes; it grows with the side.
        margin: pixels that are read around a tile. One smaller than its margin would be mostly margin, so it may take
            more than the usual.
        usual: bytes that a tile should not take more of.
        free: bytes that it cannot take more of.
    """
    worthwhile = min(_WORTHWHILE_SIDE * margin, automatic_side(tile_bytes, free))
    return max(automatic_side(tile_bytes, usual), worthwhile)


def automatic_side(tile_bytes: Callable[[int], int], memory: int) -> int:
    """The largest side of a square tile (its own pixels) that fits into so many bytes, to 16 pixels; at least 16.

    Args:
        tile_bytes: memory that a tile of a side takes; it grows with the side.
        memory: what there is, bytes.
    """
    steps = range(2, _LARGEST_TILE // SMALLEST_TILE + 1)
    return SMALLEST_TILE * (1 + bisect_right(steps, memory, key=lambda step: tile_bytes(step * SMALLEST_TILE)))
