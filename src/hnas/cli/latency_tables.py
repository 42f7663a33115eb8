"""The tables that ``hnas compare --by latency`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from hnas.zoo.standing import Margin, TimedRow, front

OURS, THEIRS, ON_FRONT = "●", "○", "*"
#: Of a margin that is printed as 0.00.
_NOTHING = 0.005


def time_table(rows: Sequence[TimedRow], sets: Sequence[str], *, scale: int, how: str) -> Table:
    """Networks by milliseconds, with their costs and what they reach.

    Args:
        rows: in the order of the table.
        sets: that were measured on.
        scale: by how much they enlarge.
        how: how the times were measured, in words.
    """
    reached = f" PSNR in dB on Y, single pass. {ON_FRONT} no faster one reaches as much on {sets[0]}." if sets else ""
    table = Table(
        title=f"Networks by the time of one picture (x{scale})",
        caption=f"ms: {escape(how)}. MACs at 3x480x480. {OURS} ours, {THEIRS} published weights of others.{reached}",
        caption_justify="left",
    )
    table.add_column("Network")
    for heading in ("ms", "MACs (G)", "Params (K)", *sets):
        table.add_column(heading, justify="right")
    best = front(rows)
    for row in rows:
        figures = [f"{row.psnr[name]:.2f}" for name in sets]
        if row in best:
            figures[0] += ON_FRONT
        elif figures:
            figures[0] += " " * len(ON_FRONT)
        table.add_row(
            f"{OURS if row.ours else THEIRS} {escape(row.name)}",
            milliseconds(row.milliseconds),
            f"{row.macs / 1e9:,.1f}",
            f"{row.params / 1e3:,.1f}",
            *figures,
            style="bold" if row.ours else "",
        )
    return table


def margin_table(margins: Sequence[Margin], sets: Sequence[str]) -> Table:
    """For every published network the best of ours in no more time, and by how many dB it is ahead.

    Args:
        margins: in the order of the table.
        sets: that were measured on.
    """
    judged = [margin.ahead[sets[0]] for margin in margins if margin.best]
    won = sum(ahead > 0 for ahead in judged)
    table = Table(
        title="At equal milliseconds",
        caption=f"By set, how many dB the best of ours in no more time (the highest PSNR on {sets[0]}) is ahead (+) or "
        f"behind (-). Ahead of {won} of {len(margins)} on {sets[0]}.",
        caption_justify="left",
    )
    for heading in ("Published", "Ours"):
        table.add_column(heading)
        table.add_column("ms", justify="right")
    for name in sets:
        table.add_column(name, justify="right")
    for margin in margins:
        first = (escape(margin.network.name), milliseconds(margin.network.milliseconds))
        if margin.best is None:
            table.add_row(*first, "none as fast")
            continue
        ahead = [_signed(margin.ahead[name]) for name in sets]
        table.add_row(*first, escape(margin.best.name), milliseconds(margin.best.milliseconds), *ahead)
    return table


def milliseconds(value: float) -> str:
    """With one digit below 100 ms."""
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _signed(decibels: float) -> str:
    if abs(decibels) < _NOTHING:
        return "0.00"
    return f"[{'green' if decibels > 0 else 'red'}]{decibels:+.2f}[/]"
