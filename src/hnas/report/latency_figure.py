"""Networks by milliseconds as a figure: PSNR against the time of one picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from hnas.errors import HnasError
from hnas.report.figures import COLOURS, GRID, INK, MUTED, calm, save_figure
from hnas.report.labels import Box, Label, around, pixels, place_labels
from hnas.zoo.standing import TimedRow, front

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Where the legend may be, the most usual one first.
Corner = Literal["upper left", "lower right", "upper right", "lower left"]


def draw_by_latency(rows: Sequence[TimedRow], path: str | Path, *, title: str, how: str) -> None:
    """Writes the figure: published networks as open marks, ours as filled ones with the front of ours as a line.

    Args:
        rows: measured on the same pictures and timed in one run.
        path: of the .png, .svg or .pdf file.
        title: the set, whose PSNR is shown, and the scale.
        how: how the times were measured, in words.

    Raises:
        HnasError: no row has a PSNR, another ending, or a file that cannot be written.
    """
    shown = [row for row in rows if row.psnr]
    if not shown:
        raise HnasError("no row has a PSNR; there is nothing to draw")
    save_figure(_figure(shown, title=title, how=how), path)


def _figure(rows: Sequence[TimedRow], *, title: str, how: str) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    figure = Figure(figsize=(8.6, 5.4), layout="constrained")
    axes = figure.add_subplot(xscale="log", xlabel="milliseconds of one picture", ylabel="PSNR on Y, dB")
    axes.set_title(title, loc="left", color=INK, fontsize=12)
    figure.supxlabel(how, color=MUTED, fontsize=7.5)
    best = front([row for row in rows if row.ours])
    axes.plot(
        [row.milliseconds for row in best], [row.decibels for row in best],
        color=COLOURS["ours"], lw=1.2, alpha=0.6, zorder=2,
    )  # fmt: skip
    for ours, meaning in ((True, "ours"), (False, "published networks and weights, measured here")):
        marks = [row for row in rows if row.ours == ours]
        if marks:
            colour = COLOURS["ours" if ours else "published"]
            axes.plot(
                [row.milliseconds for row in marks], [row.decibels for row in marks], ls="", marker="o", ms=8,
                mec=colour, mfc=colour if ours else "white", mew=1.5, zorder=4 if ours else 3, label=meaning,
            )  # fmt: skip
    axes.margins(0.08, 0.1)
    calm(axes)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(True, which="major", color=GRID, lw=0.8)
    _add_legend(figure, axes, rows)
    labels = [
        Label(row.name, row.milliseconds, row.decibels, COLOURS["ours" if row.ours else "published"], bold=row.ours)
        for row in rows
    ]
    place_labels(figure, axes, labels, taken=_along(figure, axes, best))
    return figure


def _add_legend(figure: Figure, axes: Axes, rows: Sequence[TimedRow]) -> None:
    """Into the corner where it covers the fewest marks."""
    legend = axes.legend(frameon=False, labelcolor=INK, fontsize=9)
    covered: list[tuple[int, Corner]] = []
    for corner in get_args(Corner):
        legend.set_loc(corner)
        figure.draw_without_rendering()
        box = legend.get_window_extent().padded(12 * figure.dpi / 72)
        marks = sum(box.contains(*pixels(axes, row.milliseconds, row.decibels)) for row in rows)
        covered.append((marks, corner))
    legend.set_loc(min(covered, key=lambda pair: pair[0])[1])


def _along(figure: Figure, axes: Axes, line: Sequence[TimedRow]) -> list[Box]:
    """Small boxes along a line from mark to mark."""
    figure.draw_without_rendering()
    side = 5 * figure.dpi / 72
    corners = [np.array(pixels(axes, row.milliseconds, row.decibels)) for row in line]
    boxes = []
    for start, end in pairwise(corners):
        for share in np.arange(0, 1, side / max(side, float(np.hypot(*(end - start))))):
            x, y = start + share * (end - start)
            boxes.append(around(x, y, side, side))
    return boxes
