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


def _marks(row: ComparisonRow, dataset: str) -> list[Mark]:
    if row.macs is None:
        return []
    marks = []
    name, printed_cost = row.system.name, row.system.printed_gmacs
    figures, measured = row.system.printed.get(dataset), (row.measured or {}).get(dataset)
    if figures is not None:
        differs = printed_cost is not None and abs(printed_cost * 1e9 / row.macs - 1) > _SAME
        printed_macs = printed_cost * 1e9 if printed_cost is not None and differs else None
        marks.append(Mark(name, row.macs, figures.psnr, "published", printed_macs))
    if measured is not None:
        # One name is enough for two marks above each other.
        marks.append(Mark("" if figures else name, row.macs, measured.psnr, "measured"))
    return marks
