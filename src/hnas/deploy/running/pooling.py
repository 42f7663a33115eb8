"""Channel attention in tiles: what it pools is taken from the whole picture, so that all tiles scale alike.

Attention (RCAN's, `rcab`) multiplies features by a function of their mean over the picture. A tile that pooled only
itself would differ from its neighbours. So the picture is run once for its means, tile by tile, and then with these
means held fixed: no seams. The first run still scales by the means of tiles, so the means of later blocks are not quite
those of the picture at once: 2e-7 to 5e-7 apart in the result for HNAS-B and HNAS-C, against 2e-4 without this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from hnas.around import WHOLE, Around, kept
from hnas.nets.global_mean import GlobalMean, given

#: A block in a view (turn or flip) of the picture.
_Key = tuple[int, int]


class PooledMeans:
    """Replaces what a model averages over the whole picture while that is run in tiles.

    Args:
        pools: of the model, see :class:`hnas.nets.model.Reaching`; without any nothing happens.
        margins: of the model.
    """

    def __init__(self, pools: Sequence[tuple[GlobalMean, int]], margins: Sequence[int]) -> None:
        self.means = [mean for mean, _ in pools]
        #: How much of a tile's surroundings is still there; where nothing was cut yet, all of it.
        self._margins = [margins[number] if number else None for _, number in pools]
        #: The sum of a block's features over the picture, and the number of pixels.
        self._sums: dict[_Key, tuple[Tensor, int]] = {}
        self._settled: dict[_Key, Tensor] = {}
        self._view = 0
        self._around = WHOLE
        self._size = (0, 0)

    def __bool__(self) -> bool:
        return bool(self.means)

    @contextmanager
    def replaced(self) -> Iterator[None]:
        """While this lasts, blocks pool what :meth:`tile` and :meth:`settle` say."""
        with given({mean: self._pool(index) for index, mean in enumerate(self.means)}):
            try:
                yield
            finally:
                self._settled = {}

    def tile(self, size: tuple[int, int], around: Around, view: int) -> None:
        """Announces the next tile.

        Args:
            size: height and width of its own pixels, low resolution.
            around: what was read around them.
            view: number of the picture's turn or flip, each of which has means of its own.
        """
        self._size, self._around, self._view = size, around, view

    def settle(self) -> None:
        """Ends a run over the picture: from here on blocks are given the means that it found."""
        self._settled = {key: (total / count).float() for key, (total, count) in self._sums.items()}
        self._sums = {}

    def _pool(self, index: int) -> Callable[[Tensor], Tensor]:
        def pool(features: Tensor) -> Tensor:
            key = index, self._view
            if key in self._settled:
                return self._settled[key]
            margin = self._margins[index]
            top, left, bottom, _ = self._around if margin is None else kept(self._around, margin)
            enlarged = features.shape[2] // (self._size[0] + top + bottom)  # after the upsampling cell
            height, width = (enlarged * length for length in self._size)
            own = features[:, :, enlarged * top :, enlarged * left :][:, :, :height, :width]
            total, count = own.sum((2, 3), keepdim=True, dtype=torch.float64), height * width
            mean = (total / count).to(features.dtype)
            if key in self._sums:
                total, count = total + self._sums[key][0], count + self._sums[key][1]
            self._sums[key] = total, count
            return mean

        return pool
