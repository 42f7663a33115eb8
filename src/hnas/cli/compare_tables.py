"""The tables that ``hnas compare`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from hnas.zoo.comparison import ComparisonRow, Measured
from hnas.zoo.table_two import SETS, Printed, System

HERE = "measured here"
OWN_WAY = "its authors' way"


def cost_table(rows: Sequence[ComparisonRow]) -> Table:
    """Printed cost, the same with its unit mended, true cost, parameters, latency."""
    table = Table(
        title="What the systems of Table II cost (x2, input 3x480x480)",
        caption=(
            "Printed: in the paper, G. Paper's count: what its counter gives for its program, where the "
            "paper counted (no transposed convolutions). MACs: all convolutions of the network. † retrained by the "
            "paper's authors."
        ),
        caption_justify="left",
    )
    table.add_column("System")
    for heading in ("Printed", "Paper's count", "MACs (G)", "Params (K)", "ms"):
        table.add_column(heading, justify="right")
    part = "table"
    for row in rows:
        if row.system.part != part:
            table.add_section()
            part = row.system.part
        printed = row.system.printed_gmacs
        table.add_row(
            _name(row.system),
            f"{printed:,.1f}" if printed is not None else "",
            _giga(row.paper_macs),
            _giga(row.macs),
            f"{row.params / 1e3:,.0f}" if row.params is not None else "",
            f"{row.latency_ms:,.0f}" if row.latency_ms is not None else "",
        )
    return table


def quality_table(rows: Sequence[ComparisonRow], sets: Sequence[str]) -> Table:
    """PSNR and SSIM: as published, and in a line of its own as measured here.

    Args:
        rows: those without any figure are left out.
        sets: that were measured on; those of the paper's table come first.
    """
    names = [*SETS, *(name for name in sets if name not in SETS)]
    table = Table(
        title="What they reach (PSNR in dB and SSIM on Y, x2)",
        caption=f"{HERE}: single pass, rounded to 8 bits. {OWN_WAY}: cut off to 8 bits, Y in whole numbers. "
        "† retrained by the paper's authors.",
        caption_justify="left",
    )
    table.add_column("System")
    for name in names:
        table.add_column(name, justify="right")
    part = "table"
    for row in rows:
        published, here = row.system.printed, row.measured or {}
        if row.system.part != part:
            table.add_section()
            part = row.system.part
        if published:
            table.add_row(_name(row.system), *(_published(published.get(name)) for name in names))
        if here:
            title = f"  {HERE}" if published else row.system.name
            table.add_row(title, *(_measured(here.get(name)) for name in names))
        if any(measured.psnr_own_rounding is not None for measured in here.values()):
            table.add_row(f"  {OWN_WAY}", *(_own_way(here.get(name)) for name in names))
    return table


def _published(printed: Printed | None) -> str:
    if printed is None:
        return ""
    ssim = "" if printed.ssim is None else f" {printed.ssim:.3f}"  # the table's digits
    return f"{printed.psnr:.2f}{ssim}"


def _measured(measured: Measured | None) -> str:
    return f"{measured.psnr:.2f} {measured.ssim:.4f}" if measured else ""


def _own_way(measured: Measured | None) -> str:
    return f"{measured.psnr_own_rounding:.2f}" if measured and measured.psnr_own_rounding is not None else ""


def _name(system: System) -> str:
    return f"{system.name}{' †' if system.retrained else ''}"


def _giga(macs: int | None) -> str:
    return f"{macs / 1e9:,.1f}" if macs is not None else ""
