"""Smaller copies of training pictures: the same subjects with finer detail, free of what compression left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from hnas.data.folders import Pair, pair_of


def with_shrunk(pairs: Sequence[Pair], factors: Sequence[float], *, scale: int, patch: int) -> list[Pair]:
    """The pairs, and after them a copy of each at every factor of its size, bicubic with antialiasing.

    Args:
        pairs: of training pictures.
        factors: above 0 and below 1.
        scale: of the pairs.
        patch: side of an LR patch, pixels; copies that are smaller are left out.
    """
    copies = []
    for factor in factors:
        for pair in pairs:
            height, width = (int(side * factor) for side in pair.hr.shape[:2])
            if min(height, width) < scale * patch:
                continue
            small = Image.fromarray(pair.hr).resize((width, height), Image.Resampling.BICUBIC)
            copies.append(pair_of(f"{pair.name} x{factor:g}", np.asarray(small), scale))
    return [*pairs, *copies]
