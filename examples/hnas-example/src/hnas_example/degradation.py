"""A degradation: fewer levels of each colour, written as ``posterize:LOW-HIGH`` in bits."""

from __future__ import annotations

import numpy as np

from hnas.data.degradations import Degradation
from hnas.data.pictures import Pixels


def _posterize(picture: Pixels, bits: float, draw: np.random.Generator) -> Pixels:
    step = 255 / (2 ** round(bits) - 1)
    levels: Pixels = np.rint(np.rint(picture / step) * step).astype(np.uint8)
    return levels


POSTERIZE = Degradation(_posterize, least=2, most=8)
