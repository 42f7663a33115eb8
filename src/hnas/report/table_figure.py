"""Table II as a figure: PSNR against true multiply-adds, the printed costs beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hnas.errors import HnasError
from hnas.report.figures import Mark, psnr_against_macs
from hnas.run_files import WEIGHTS
from hnas.zoo.comparison import ComparisonRow

#: A printed cost this close to the true one is the same mark.
_SAME = 0.02


def draw_comparison(rows: Sequence[ComparisonRow], path: Path, *, dataset: str = "Set5") -> None:
    """Writes the figure: published figures at the true cost, joined to the printed cost; figures measured here.

    Args:
        rows: of :func:`hnas.zoo.comparison.compare_system`.
        path: a PNG, SVG or PDF file.
        dataset: the set whose PSNR is shown.

    Raises:
        HnasError: no row has such a PSNR, another ending, or a file that cannot be written.
    """
    marks = [mark for row in rows for mark in _marks(row, dataset)]
    if not marks:
        raise HnasError(f"no row has a PSNR on {dataset}; there is nothing to draw")
    psnr_against_macs(
        marks,
        path,
        title=f"Table II: {dataset}, x2",
        x_label="multiply-adds for a 3×480×480 LR picture, all convolutions counted",
        y_label="PSNR on Y, dB",
    )


def published_mark(row: ComparisonRow, dataset: str) -> Mark | None:
    """What a system's paper prints, at its true cost; None where it prints nothing or the cost is not known."""
    published = row.system.printed.get(dataset)
    if row.macs is None or published is None:
        return None
    printed = (row.system.printed_gmacs or 0) * 1e9
    other = printed if printed and abs(printed / row.macs - 1) > _SAME else None
    return Mark(row.system.name, row.macs, published.psnr, "published", other)


def _marks(row: ComparisonRow, dataset: str) -> list[Mark]:
    published = published_mark(row, dataset)
    marks = [published] if published else []
    if row.macs is not None and row.measured and dataset in row.measured:
        trained = row.weights is not None and Path(row.weights).name == WEIGHTS
        name = "" if published else row.system.name  # one name is enough for two marks above each other
        marks.append(Mark(name, row.macs, row.measured[dataset].psnr, "trained" if trained else "measured"))
    return marks
