"""A degradation: fewer levels of each colour, written as ``posterize:LOW-HIGH`` in bits."""

from __future__ import annotations

import numpy as np

from hnas.data.degradations import Degradation
from hnas.data.pictures import Picture


def _posterize(picture: Picture, bits: float, draw: np.random.Generator) -> Picture:
    step = 255 / (2 ** round(bits) - 1)
    levels: Picture = np.rint(np.rint(picture / step) * step).astype(np.uint8)
    return levels


POSTERIZE = Degradation(_posterize, least=2, most=8)
