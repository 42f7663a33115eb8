"""Figures for the documentation and for ``hnas compare``: what it shows comes in, nothing is measured here.

matplotlib's Agg paints them, without pyplot and its global state.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hnas.errors import HnasError
from hnas.evaluation.details import Comparison
from hnas.files import write_atomically
from hnas.report.labels import Box, Label, around, pixels, place_labels

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
    labels = [Label(mark.label, mark.macs, mark.psnr, COLOURS[mark.kind], bold=mark.kind == "ours") for mark in marks]
    place_labels(figure, axes, labels, taken=_around_printed(figure, axes, marks))
    return figure


def _around_printed(figure: Figure, axes: Axes, marks: Sequence[Mark]) -> list[Box]:
    """Where the small circles of printed costs are, and the lines that join them to the true ones."""
    figure.draw_without_rendering()
    point = figure.dpi / 72
    boxes = []
    for mark in marks:
        if mark.printed_macs:
            (x, y), (printed, _) = (pixels(axes, macs, mark.psnr) for macs in (mark.macs, mark.printed_macs))
            boxes += [
                around(printed, y, 12 * point, 12 * point),
                around((printed + x) / 2, y, abs(x - printed), 4 * point),
            ]
    return boxes


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

    path, kind = Path(path), figure_kind(path)
    buffer = io.BytesIO()
    # No date, and ids that do not change: the same figure is the same file.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    with rc_context({"svg.hashsalt": "hnas"}):
        figure.savefig(buffer, format=kind, dpi=160, metadata=metadata)
    write_atomically(path, buffer.getvalue())


def figure_kind(path: str | Path) -> str:
    """``png``, ``svg`` or ``pdf``, by a file's ending.

    Raises:
        HnasError: another ending.
    """
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in ("png", "svg", "pdf"):
        raise HnasError(f"{path}: a figure is written as .png, .svg or .pdf")
    return kind
