"""Figures for the documentation and for ``hnas compare``: what it shows comes in, nothing is measured here.

matplotlib's Agg paints them, without pyplot and its global state.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hnas.errors import HnasError
from hnas.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1c2430", "#5d6878", "#e3e7ed"
COLOURS = {"ours": "#be123c", "trained": "#2f6fd0", "measured": "#0e7a6d", "published": "#5d6878"}
MEANINGS = {
    "ours": "ours",
    "trained": "peer, trained by the same recipe",
    "measured": "measured here",
    "published": "as published",
}


@dataclass(frozen=True)
class Mark:
    """One network in the figure.

    Attributes:
        label: its name; empty for none.
        macs: true multiply-adds, at the input size that the figure's caption names.
        psnr: dB.
        kind: "ours", a peer "trained" by the same recipe, published weights "measured" here (all filled), or
            "published" figures (open).
        printed_macs: what its paper prints, where that is another number: an open circle joined to the true one.
    """

    label: str
    macs: float
    psnr: float
    kind: Literal["ours", "trained", "measured", "published"] = "published"
    printed_macs: float | None = None


def psnr_against_macs(
    marks: Sequence[Mark],
    path: str | Path,
    *,
    title: str = "",
    x_label: str = "multiply-adds for a 480×480 LR picture",
    y_label: str = "PSNR, dB",
) -> None:
    """PSNR against multiply-adds on a logarithmic axis, every mark named, no names on top of each other.

    Args:
        marks: one or more, all measured on the same pictures at the same scale.
        path: of the .png, .svg or .pdf file.
        title: the data set and scale.
        x_label: says at which input size.
        y_label: says which PSNR.

    Raises:
        HnasError: no marks, a cost that is not above 0, or a file that cannot be written.
    """
    if not marks or min(mark.macs for mark in marks) <= 0:
        raise HnasError("the figure needs one or more networks, each with multiply-adds above 0")
    save_figure(_psnr_figure(marks, title=title, x_label=x_label, y_label=y_label), path)


def _psnr_figure(marks: Sequence[Mark], *, title: str = "", x_label: str = "", y_label: str = "") -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import EngFormatter

    figure = Figure(figsize=(8.6, 5.4), layout="constrained")
    axes = figure.add_subplot(xscale="log", xlabel=x_label, ylabel=y_label)
    axes.set_title(title, loc="left", color=INK, fontsize=12)
    for mark in marks:
        colour = COLOURS[mark.kind]
        face = "white" if mark.kind == "published" else colour
        axes.plot(mark.macs, mark.psnr, "o", ms=8, mec=colour, mfc=face, mew=1.5, zorder=3 + (mark.kind == "ours"))
        if mark.printed_macs:
            axes.plot([mark.printed_macs, mark.macs], [mark.psnr] * 2, ":", color=colour, lw=1.2, zorder=2)
            axes.plot(mark.printed_macs, mark.psnr, "o", ms=5.5, mec=colour, mfc="white", mew=1, zorder=2)
    axes.margins(0.08, 0.1)
    calm(axes)
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.grid(True, which="major", color=GRID, lw=0.8)
    kinds = [kind for kind in COLOURS if any(mark.kind == kind for mark in marks)]
    handles = [
        Line2D(
            [], [], ls="", marker="o", ms=8, mew=1.5, mec=COLOURS[kind],
            mfc="white" if kind == "published" else COLOURS[kind], label=MEANINGS[kind],
        )
        for kind in kinds
    ]  # fmt: skip
    if any(mark.printed_macs for mark in marks):
        handles.append(
            Line2D([], [], ls=":", marker="o", ms=5.5, color=MUTED, mfc="white", label="the cost as printed")
        )
    axes.legend(handles=handles, loc="lower right", frameon=False, labelcolor=INK, fontsize=9)
    _place_labels(figure, axes, marks)
    return figure


def _place_labels(figure: Figure, axes: Axes, marks: Sequence[Mark]) -> None:
    """Names each mark at the nearest place around it that is free and that no other mark is nearer to."""
    figure.draw_without_rendering()
    point = figure.dpi / 72
    places = [_pixels(axes, mark.macs, mark.psnr) for mark in marks]
    taken = [_around(*place, 12 * point, 12 * point) for place in places]
    for mark, (x, y) in zip(marks, places, strict=True):
        if mark.printed_macs:
            printed, _ = _pixels(axes, mark.printed_macs, mark.psnr)
            taken += [
                _around(printed, y, 12 * point, 12 * point),
                _around((printed + x) / 2, y, abs(x - printed), 4 * point),
            ]
    if (legend := axes.get_legend()) is not None:
        taken.append(legend.get_window_extent().extents)
    inside = axes.get_window_extent().extents
    names: list[Box] = []  # two on top of each other cannot be read; on a dotted line one can
    for mark, (x, y) in sorted(zip(marks, places, strict=True), key=lambda pair: pair[0].kind != "ours"):
        if not mark.label:
            continue
        colour = COLOURS[mark.kind]
        text = axes.text(
            mark.macs, mark.psnr, mark.label, fontsize=9, color=colour, ha="center", va="center", zorder=5,
            fontweight="bold" if mark.kind == "ours" else "normal", parse_math=False,
        )  # fmt: skip
        extent = text.get_window_extent()
        width, height = extent.width, extent.height
        others = [place for place in places if place != (x, y)]
        best: tuple[float, Box] = (float("inf"), _around(x, y, width, height))
        for away, (across, up) in product((11, 20, 32, 46, 60), _DIRECTIONS):
            box = _around(x + across * (away * point + width / 2), y + up * (away * point + height / 4), width, height)
            covered = sum(_shared(box, other) for other in taken) + 4 * (width * height - _shared(box, inside))
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
            axes.plot([mark.macs, end[0]], [mark.psnr, end[1]], color=colour, lw=0.6, zorder=1)


Box = tuple[float, float, float, float]
"""Left, bottom, right and top in pixels."""
_DIRECTIONS = ((1, 0), (0, 1), (-1, 0), (0, -1), (0.8, 0.8), (0.8, -0.8), (-0.8, 0.8), (-0.8, -0.8))


def _pixels(axes: Axes, macs: float, psnr: float) -> tuple[float, float]:
    x, y = axes.transData.transform((macs, psnr))
    return float(x), float(y)


def _around(x: float, y: float, width: float, height: float) -> Box:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _shared(one: Box, other: Box) -> float:
    """The area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def _distance(box: Box, x: float, y: float) -> float:
    """From a point to the nearest edge of a box; 0 inside."""
    return hypot(max(box[0] - x, 0, x - box[2]), max(box[1] - y, 0, y - box[3]))


@dataclass(frozen=True)
class Comparison:
    """The same detail of one picture by several models.

    Attributes:
        name: of the picture.
        hr: the original, uint8 H x W x 3.
        detail: left, top, width and height of the detail in pixels of the original.
        versions: name -> the whole enlarged picture (as ``hr``) and its PSNR in dB; shown in this order.
    """

    name: str
    hr: NDArray[np.uint8]
    detail: tuple[int, int, int, int]
    versions: Mapping[str, tuple[NDArray[np.uint8], float]]


def visual_comparison(comparisons: Sequence[Comparison], path: str | Path) -> None:
    """Rows of pictures: the original with the detail framed, then the detail by every version, and the original's.

    The layout of Fig. 3 of the paper; the PSNR under each detail is that of the whole picture.

    Args:
        comparisons: one or more, all with the same versions.
        path: of the .png, .svg or .pdf file.

    Raises:
        HnasError: different versions, a detail outside its picture, or a file that cannot be written.
    """
    names = list(comparisons[0].versions) if comparisons else []
    if not names or any(list(comparison.versions) != names for comparison in comparisons):
        raise HnasError("a comparison needs one or more pictures, each with the same versions in the same order")
    save_figure(_comparison_figure(comparisons, names), path)


def _comparison_figure(comparisons: Sequence[Comparison], names: Sequence[str]) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.patches import Rectangle

    columns = len(names) + 1
    engine = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.04, wspace=0.01, hspace=0.02)
    figure = Figure(figsize=(2.9 + 1.95 * columns, 2.35 * len(comparisons)), layout=engine)
    grid = figure.add_gridspec(len(comparisons), columns + 1, width_ratios=[1.5] + [1.0] * columns)
    for row, comparison in enumerate(comparisons):
        left, top, width, height = comparison.detail
        rows, across = comparison.hr.shape[:2]
        if left < 0 or top < 0 or min(width, height) < 1 or left + width > across or top + height > rows:
            raise HnasError(f"{comparison.name}: the detail {comparison.detail} is not inside {across}x{rows} pixels")
        whole = figure.add_subplot(grid[row, 0])
        whole.imshow(comparison.hr)
        whole.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor="white", lw=2.6))
        whole.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=COLOURS["ours"], lw=1.4))
        captions = {name: f"{name}\n{psnr:.2f} dB" for name, (_, psnr) in comparison.versions.items()}
        pictures = {name: picture for name, (picture, _) in comparison.versions.items()}
        shown = [(whole, f"{comparison.name}\n")]
        best = max(psnr for _, psnr in comparison.versions.values())
        for column, name in enumerate([*names, "original"], start=1):
            axes = figure.add_subplot(grid[row, column])
            picture = pictures.get(name, comparison.hr)
            axes.imshow(picture[top : top + height, left : left + width], interpolation="nearest")
            shown.append((axes, captions.get(name, "original\n")))
            if name in comparison.versions and comparison.versions[name][1] == best:
                axes.xaxis.label.set_fontweight("bold")
        for axes, caption in shown:
            axes.set_xlabel(caption, color=INK, fontsize=9)
            axes.set_xticks([])
            axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set_visible(False)
    return figure


def calm(axes: Axes) -> None:
    """Quiet axes: no frame above and right, muted ticks."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(MUTED)
    axes.tick_params(colors=MUTED, which="both")
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)


def save_figure(figure: Figure, path: str | Path) -> None:
    """Writes a figure as .png, .svg or .pdf; the same figure gives the same bytes.

    Raises:
        HnasError: another ending, or a file that cannot be written.
    """
    from matplotlib import rc_context

    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg", "pdf"):
        raise HnasError(f"{path}: a figure is written as .png, .svg or .pdf")
    buffer = io.BytesIO()
    # No date, and ids that do not change: the same figure is the same file.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    with rc_context({"svg.hashsalt": "hnas"}):
        figure.savefig(buffer, format=kind, dpi=160, metadata=metadata)
    write_atomically(path, buffer.getvalue())
