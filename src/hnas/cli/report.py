"""``hnas report``."""

from __future__ import annotations

from pathlib import Path


def report(run: Path, /) -> None:
    """Write a run's report: one HTML file that holds everything it shows.

    Curves, every genotype scored with its cells, the network, the table against bicubic, pictures before and after,
    settings. Parts that the run does not have are left out; a run that is still going can be looked at.

    Args:
        run: Folder of a search, a training or a demo; the file is its report.html.
    """
    from hnas.report.page import write_report

    print(write_report(run))
