"""Channel attention in tiles: what it pools is taken from the whole picture, so that all tiles scale alike.

Attention (RCAN's, `rcab`) multiplies features by a function of their mean over the picture. A tile that pooled only
itself would differ from its neighbours. So the picture is run once for its means, tile by tile, and then with these
means held fixed: no seams. The first run still scales by the means of tiles, so the means of later blocks are not quite
those of the picture at once: 2e-7 to 5e-7 apart in the result for HNAS-B and HNAS-C, against 2e-4 without this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from hnas.around import WHOLE, Around, kept
from hnas.nets import Network, cell_margins
from hnas.nets.global_mean import GlobalMean

#: A block in a view (turn or flip) of the picture.
_Key = tuple[int, int]


class PooledMeans:
    """Replaces what a model averages over the whole picture while that is run in tiles.

    Args:
        model: any of ours; without such means nothing happens.
    """

    def __init__(self, model: nn.Module) -> None:
        cells = list(model.cells) if isinstance(model, Network) else [model]
        margins = cell_margins(model)[1:] if isinstance(model, Network) else [None]
        found = [
            (module, margin)
            for cell, margin in zip(cells, margins, strict=True)
            for module in cell.modules()
            if isinstance(module, GlobalMean)
        ]
        self.blocks = [block for block, _ in found]
        #: How much of a tile's surroundings a block sees; None is all of them.
        self._margins = [margin for _, margin in found]
        #: The sum of a block's features over the picture, and the number of pixels.
        self._sums: dict[_Key, tuple[Tensor, int]] = {}
        self._means: dict[_Key, Tensor] = {}
        self._view = 0
        self._around = WHOLE
        self._size = (0, 0)

    def __bool__(self) -> bool:
        return bool(self.blocks)

    @contextmanager
    def replaced(self) -> Iterator[None]:
        """While this lasts, blocks pool what :meth:`tile` and :meth:`settle` say."""
        for index, block in enumerate(self.blocks):
            block.forward = self._pool(index)  # type: ignore[assignment, method-assign]
        try:
            yield
        finally:
            self._means = {}
            for block in self.blocks:
                del block.forward

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
        self._means = {key: (total / count).float() for key, (total, count) in self._sums.items()}
        self._sums = {}

    def _pool(self, index: int) -> Callable[[Tensor], Tensor]:
        def pool(features: Tensor) -> Tensor:
            key = index, self._view
            if key in self._means:
                return self._means[key]
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
