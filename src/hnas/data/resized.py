"""Copies of training pictures at other sizes.

Smaller ones have the same subjects with finer detail, free of what compression left. Larger ones give small pictures
with up to as many pixels as the file has; they have no true large picture, so they are for a teacher.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from hnas.data.folders import Pair, pair_of


def with_resized(pairs: Sequence[Pair], factors: Sequence[float], *, scale: int, patch: int) -> list[Pair]:
    """The pairs, and after them a copy of each at every factor of its size.

    Smaller by bicubic interpolation with antialiasing; larger by Lanczos', which keeps what the small picture of the
    copy can show.

    Args:
        pairs: of training pictures.
        factors: above 0; what is above 1 has an interpolated picture for its large one.
        scale: of the pairs.
        patch: side of an LR patch, pixels; copies that are smaller are left out.
    """
    copies = []
    for factor in factors:
        kernel = Image.Resampling.BICUBIC if factor < 1 else Image.Resampling.LANCZOS
        for pair in pairs:
            height, width = (int(side * factor) for side in pair.hr.shape[:2])
            if min(height, width) < scale * patch:
                continue
            resized = Image.fromarray(pair.hr).resize((width, height), kernel)
            copies.append(pair_of(f"{pair.name} x{factor:g}", np.asarray(resized), scale))
    return [*pairs, *copies]
