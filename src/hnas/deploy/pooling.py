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
from torch.nn import functional as F

from hnas.nets.operations import ResidualChannelAttention

#: A block in a view (turn or flip) of the picture.
_Key = tuple[int, int]


class PooledMeans:
    """Replaces the pooling of a model's attention blocks while a picture is run in tiles.

    Args:
        model: any of ours; without attention nothing happens.
    """

    def __init__(self, model: nn.Module) -> None:
        self.blocks = [module for module in model.modules() if isinstance(module, ResidualChannelAttention)]
        #: The sum of a block's features over the picture, and the number of pixels.
        self._sums: dict[_Key, tuple[Tensor, Tensor]] = {}
        self._means: dict[_Key, Tensor] = {}
        self._view = 0
        self._mask = torch.ones(1, 1, 1, 1)

    def __bool__(self) -> bool:
        return bool(self.blocks)

    @contextmanager
    def replaced(self) -> Iterator[None]:
        """While this lasts, blocks pool what :meth:`tile` and :meth:`settle` say."""
        for index, block in enumerate(self.blocks):
            block.pool = self._pool(index)  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            self._means = {}
            for block in self.blocks:
                del block.pool

    def tile(self, mask: Tensor, view: int) -> None:
        """Announces the next tile.

        Args:
            mask: (1, 1, h, w), 1 where its own pixels are and 0 in the margin.
            view: number of the picture's turn or flip, each of which has means of its own.
        """
        self._mask, self._view = mask, view

    def settle(self) -> None:
        """Ends a run over the picture: from here on blocks are given the means that it found."""
        self._means = {key: (total / count).float() for key, (total, count) in self._sums.items()}
        self._sums = {}

    def _pool(self, index: int) -> Callable[[Tensor], Tensor]:
        def pool(features: Tensor) -> Tensor:
            key, mask = (index, self._view), self._mask
            if key in self._means:
                return self._means[key]
            if features.shape[2] != mask.shape[2]:  # after the upsampling cell
                mask = F.interpolate(mask, size=features.shape[2:], mode="nearest")
            total = (features * mask).sum((2, 3), keepdim=True, dtype=torch.float64)
            count = mask.sum(dtype=torch.float64)
            mean = (total / count).to(features.dtype)
            if key in self._sums:
                total, count = total + self._sums[key][0], count + self._sums[key][1]
            self._sums[key] = total, count
            return mean

        return pool
