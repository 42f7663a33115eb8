"""PSNR against true multiply-adds, with the printed costs beside them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from hnas.errors import HnasError
from hnas.evaluation.comparison import ComparisonRow
from hnas.files import write_atomically

FORMATS = (".png", ".svg", ".pdf")
_PRINTED, _PAPER, _OURS = "#6b7280", "#374151", "#c2410c"
#: A printed cost this close to the true one is the same mark.
_SAME = 0.02
#: Offsets of a name from its mark, in points.
_PLACES = ((7, 0), (0, 7), (0, -7), (-7, 0), (6, 6), (6, -6), (-6, 6), (-6, -6))


def draw_comparison(rows: Sequence[ComparisonRow], path: Path, *, dataset: str = "Set5") -> None:
    """Writes the figure.

    Filled dots are published PSNRs at the true cost; where the printed cost is another one, an open circle stands
    there, joined to the dot. Diamonds are what this project's weights reach here.

    Args:
        rows: of :func:`hnas.evaluation.comparison.compare_system`.
        path: a PNG, SVG or PDF file.
        dataset: the set whose PSNR is shown.

    Raises:
        HnasError: another ending, or a file that cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise HnasError(f"{path}: unknown kind of picture; allowed are {', '.join(FORMATS)}")
    figure = Figure(figsize=(8.4, 5.4), layout="constrained")
    axes = figure.subplots()
    labels: list[tuple[float, float, str]] = []
    obstacles: list[tuple[float, float, float]] = []  # from x, to x, y: what no name may cover
    ours = False
    for row in rows:
        if row.macs is None:
            continue
        true, printed = row.macs / 1e9, row.system.printed_gmacs
        figures = row.system.printed.get(dataset)
        if figures is not None:
            obstacles.append((true, true, figures.psnr))
            if printed and abs(printed / true - 1) > _SAME:
                axes.plot([printed, true], [figures.psnr] * 2, color=_PRINTED, linewidth=0.9, zorder=1)
                axes.plot(printed, figures.psnr, "o", color="white", markeredgecolor=_PRINTED, markersize=6, zorder=2)
                obstacles.append((min(printed, true), max(printed, true), figures.psnr))
            axes.plot(true, figures.psnr, "o", color=_PAPER, markersize=6, zorder=3)
            labels.append((true, figures.psnr, row.system.name))
        if row.measured and dataset in row.measured:
            psnr = row.measured[dataset].psnr
            axes.plot(true, psnr, "D", color=_OURS, markersize=5.5, zorder=4)
            obstacles.append((true, true, psnr))
            ours = True
            if figures is None:
                labels.append((true, psnr, row.system.name))
            else:
                axes.plot([true, true], [figures.psnr, psnr], ":", color=_OURS, linewidth=1, zorder=1)
    if not labels:
        raise HnasError(f"no row has a PSNR on {dataset}; there is nothing to draw")
    axes.set_xscale("log")
    axes.set_xlabel("multiply-adds for a 3×480×480 input, in G (all convolutions counted)")
    axes.set_ylabel(f"PSNR on Y, {dataset} ×2 (dB)")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    axes.grid(which="major", color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.15, high * 1.6)
    _place_labels(figure, axes, labels, obstacles)
    marks = [
        Line2D([], [], color=_PAPER, marker="o", linestyle="", label="published PSNR, true cost"),
        Line2D([], [], color=_PRINTED, marker="o", markerfacecolor="white", label="the cost as printed"),
        Line2D([], [], color=_OURS, marker="D", linestyle="", label="measured here"),
    ]
    axes.legend(handles=marks if ours else marks[:2], loc="lower right", frameon=False)
    data = io.BytesIO()
    figure.savefig(data, format=path.suffix[1:].lower(), dpi=160)
    write_atomically(path, data.getbuffer())


def _place_labels(
    figure: Figure,
    axes: Axes,
    labels: Sequence[tuple[float, float, str]],
    obstacles: Sequence[tuple[float, float, float]],
) -> None:
    """Writes each name beside its mark, at the place of eight where it covers least of marks, lines and names."""
    figure.draw_without_rendering()
    taken = []
    for left, right, y in obstacles:
        (x0, y0), (x1, _) = axes.transData.transform([(left, y), (right, y)])
        taken.append(Bbox.from_extents(x0 - 6, y0 - 3, x1 + 6, y0 + 3))
    for x, y, name in labels:
        text = axes.annotate(name, (x, y), xytext=(0, 0), textcoords="offset points", fontsize=8)

        def put(place: tuple[int, int], text: Annotation = text) -> Bbox:
            right, up = place
            text.set(
                position=place,
                ha="left" if right > 0 else "right" if right < 0 else "center",
                va="center" if up == 0 else "bottom" if up > 0 else "top",
            )
            return text.get_window_extent()

        boxes = {place: put(place) for place in _PLACES}
        covered = {place: sum(_shared(box, other) for other in taken) for place, box in boxes.items()}
        taken.append(put(min(_PLACES, key=lambda place: covered[place])))


def _shared(a: Bbox, b: Bbox) -> float:
    """Area that two boxes share, in pixels."""
    shared = Bbox.intersection(a, b)
    return float(shared.width * shared.height) if shared is not None else 0.0
