"""The layout of every kind of genotype: where each shape of its drawing stands. No graph program is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hnas.drawing import cells, chain
from hnas.drawing.shapes import Drawing
from hnas.space import Genotype

#: By the kind of genotype; the second argument is the scale, where known.
LAYOUTS: Mapping[str, Callable[[Any, int | None], Drawing]] = {"cells": cells.layout, "chain": chain.layout}


def laid_out(genotype: Genotype, scale: int | None = None) -> Drawing:
    """The drawing of a genotype, of whichever kind.

    Args:
        genotype: any valid one.
        scale: written where it enlarges, where known.
    """
    return LAYOUTS[genotype.kind](genotype, scale)
