"""Names beside the marks of a figure: none on top of another, each nearest to its own mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import hypot
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Box = tuple[float, float, float, float]
"""Left, bottom, right and top in pixels."""
_DIRECTIONS = ((1, 0), (0, 1), (-1, 0), (0, -1), (0.8, 0.8), (0.8, -0.8), (-0.8, 0.8), (-0.8, -0.8))


@dataclass(frozen=True)
class Label:
    """A mark and its name.

    Attributes:
        text: the name; empty for none.
        x: of the mark, as the axis counts.
        y: likewise.
        colour: of the name.
        bold: such names find their places first.
    """

    text: str
    x: float
    y: float
    colour: str
    bold: bool = False


def place_labels(figure: Figure, axes: Axes, labels: Sequence[Label], *, taken: Sequence[Box] = ()) -> None:
    """Names each mark at the nearest place around it that is free and that no other mark is nearer to.

    Args:
        figure: complete but for the names.
        axes: of the marks.
        labels: of all marks, those without a name too.
        taken: what names should not cover, besides the marks and the legend.
    """
    figure.draw_without_rendering()
    point = figure.dpi / 72
    places = [pixels(axes, label.x, label.y) for label in labels]
    covered_by = [around(*place, 12 * point, 12 * point) for place in places] + list(taken)
    if (legend := axes.get_legend()) is not None:
        covered_by.append(legend.get_window_extent().extents)
    inside = axes.get_window_extent().extents
    names: list[Box] = []  # two on top of each other cannot be read; on a line one can
    for label, (x, y) in sorted(zip(labels, places, strict=True), key=lambda pair: not pair[0].bold):
        if not label.text:
            continue
        text = axes.text(
            label.x, label.y, label.text, fontsize=9, color=label.colour, ha="center", va="center", zorder=5,
            fontweight="bold" if label.bold else "normal", parse_math=False,
        )  # fmt: skip
        extent = text.get_window_extent()
        width, height = extent.width, extent.height
        others = [place for place in places if place != (x, y)]
        best: tuple[float, Box] = (float("inf"), around(x, y, width, height))
        for away, (across, up) in product((11, 20, 32, 46, 60), _DIRECTIONS):
            box = around(x + across * (away * point + width / 2), y + up * (away * point + height / 4), width, height)
            covered = sum(_shared(box, other) for other in covered_by) + 4 * (width * height - _shared(box, inside))
            covered += 10 * sum(_shared(box, other) for other in names)
            # A name nearer to another mark would be read as that one's.
            nearest = min((_distance(box, *other) for other in others), default=float("inf"))
            mistaken = 400 * point if nearest < _distance(box, x, y) + 4 * point else 0
            best = min(best, (covered + mistaken + away * point, box))
        left, bottom, right, top = best[1]
        names.append(best[1])
        across, up = axes.transData.inverted().transform(((left + right) / 2, (bottom + top) / 2))
        text.set_position((float(across), float(up)))
        if _distance(best[1], x, y) > 15 * point:  # so far away that it needs a line to what it names
            end = axes.transData.inverted().transform((min(max(x, left), right), min(max(y, bottom), top)))
            axes.plot([label.x, end[0]], [label.y, end[1]], color=label.colour, lw=0.6, zorder=1)


def pixels(axes: Axes, x: float, y: float) -> tuple[float, float]:
    """Where a point of the data is in the figure, in pixels; the figure must have been drawn."""
    across, up = axes.transData.transform((x, y))
    return float(across), float(up)


def around(x: float, y: float, width: float, height: float) -> Box:
    """A box by its middle and size, in pixels."""
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _shared(one: Box, other: Box) -> float:
    """The area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def _distance(box: Box, x: float, y: float) -> float:
    """From a point to the nearest edge of a box; 0 inside."""
    return hypot(max(box[0] - x, 0, x - box[2]), max(box[1] - y, 0, y - box[3]))
