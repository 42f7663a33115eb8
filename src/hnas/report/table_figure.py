"""The rows of ``hnas compare`` as a figure: PSNR against true multiply-adds, with the printed costs beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hnas.errors import HnasError
from hnas.evaluation.comparison import ComparisonRow
from hnas.report.figures import Mark, psnr_against_macs

#: A printed cost this close to the true one is the same mark.
_SAME = 0.02


def draw_comparison(rows: Sequence[ComparisonRow], path: Path, *, dataset: str = "Set5") -> None:
    """Writes the figure: published PSNRs at the true cost, the printed cost joined to it, and what was measured here.

    Args:
        rows: of :func:`hnas.evaluation.comparison.compare_system`.
        path: a PNG, SVG or PDF file.
        dataset: the set whose PSNR is shown.

    Raises:
        HnasError: no row has a PSNR on this set, another ending, or a file that cannot be written.
    """
    marks = [mark for row in rows for mark in _marks(row, dataset)]
    if not marks:
        raise HnasError(f"no row has a PSNR on {dataset}; there is nothing to draw")
    psnr_against_macs(
        marks,
        path,
        x_label="multiply-adds for a 3×480×480 input, all convolutions counted",
        y_label=f"PSNR on Y, {dataset} ×2, dB",
    )


def published_mark(row: ComparisonRow, dataset: str) -> Mark | None:
    """What a system's paper prints, at its true cost; None where it prints nothing or the cost is not known."""
    figures, printed = row.system.printed.get(dataset), row.system.printed_gmacs
    if row.macs is None or figures is None:
        return None
    differs = printed is not None and abs(printed * 1e9 / row.macs - 1) > _SAME
    return Mark(
        row.system.name, row.macs, figures.psnr, printed_macs=printed * 1e9 if printed is not None and differs else None
    )


def _marks(row: ComparisonRow, dataset: str) -> list[Mark]:
    published, measured = published_mark(row, dataset), (row.measured or {}).get(dataset)
    marks = [published] if published else []
    if measured is not None and row.macs is not None:
        # One name is enough for two marks above each other.
        marks.append(Mark("" if published else row.system.name, row.macs, measured.psnr, "measured"))
    return marks
