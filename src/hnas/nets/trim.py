"""Leaving out, from cell to cell, what a tile of a picture no longer needs.

A tile is read with a margin as wide as the network looks. The cells still to come look less far than the whole network,
so every cell needs less of the margin than the one before: features are cut to that. The tile's own pixels stay exactly
what they are in the whole picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from hnas.around import WHOLE, Around, kept


class Trim(nn.Module):
    """Cuts features from what one cell needs to what another does; nothing, unless :func:`trimmed` says so.

    Args:
        before: the cell (from 1; 0 is the stem) whose output, or the picture, comes in.
        after: the cell that takes it.
        enlarge: how many times as large as the low-resolution picture the features are.
    """

    def __init__(self, before: int, after: int, enlarge: int = 1) -> None:
        super().__init__()
        self.before, self.after, self.enlarge = before, after, enlarge
        self.cut = WHOLE

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, H', W'), a view."""
        if not any(self.cut):
            return x
        top, left, bottom, right = (self.enlarge * pixels for pixels in self.cut)
        return x[:, :, top : x.shape[2] - bottom, left : x.shape[3] - right]

    def extra_repr(self) -> str:
        """The settings, as torch prints a module."""
        return f"before={self.before}, after={self.after}, enlarge={self.enlarge}"


@contextmanager
def trimmed(trims: Sequence[Trim], margins: Sequence[int], around: Around) -> Iterator[None]:
    """While this lasts, a network run on a tile and its surroundings leaves out what is no longer needed.

    Args:
        trims: those of the network.
        margins: of every cell, see :func:`hnas.nets.receptive_field.cell_margins`.
        around: of the tile; nothing is left out of a margin that is none.
    """
    for trim in trims:
        before = kept(around, margins[trim.before]) if trim.before else around
        after = kept(around, margins[trim.after])
        trim.cut = tuple(a - b for a, b in zip(before, after, strict=True))  # type: ignore[assignment]
    try:
        yield
    finally:
        for trim in trims:
            trim.cut = WHOLE
