"""How operations and blocks are drawn, and named in reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How an operation is drawn and named; no two have the same colour.

    Attributes:
        colour: ``#rrggbb``, on which white text is legible (4.5:1).
        label: in a box.
        meaning: explains it in the legend.
    """

    colour: str
    label: str
    meaning: str


#: Of the operation that both spaces have.
PLAIN_CONVOLUTION = Style("#475569", "conv 3×3", "plain 3×3 convolution with ReLU")
