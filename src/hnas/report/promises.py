"""What latencies were promised in a run, and what came of it: finalists measured whole, and the table's own check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hnas.report.charts import number
from hnas.report.run import Run
from hnas.searching.candidates import Candidate
from hnas.values import finite_or_none

#: Finalists that are listed at most.
_MOST = 12


@dataclass(frozen=True)
class Promise:
    """A finalist: PSNR in dB, what a table said and what was measured in ms, and whether that keeps the limit."""

    name: str
    psnr: str
    predicted: str
    measured: str
    limit: str
    kept: str
    chosen: bool


@dataclass(frozen=True)
class Promises:
    """The finalists' rows, where they were timed, and the table in a sentence (empty where there was none)."""

    rows: tuple[Promise, ...]
    timed_on: str
    table: str

    @property
    def columns(self) -> set[str]:
        """The figures beside PSNR that at least one row has."""
        return {name for name in ("predicted", "measured", "limit", "kept") if any(getattr(r, name) for r in self.rows)}


def promises(run: Run) -> Promises | None:
    """The finalists of a run that were measured whole, best first; None where none were."""
    found = [one for one in run.candidates if one.milliseconds is not None]
    if not found:
        return None
    found = [one for one in found if one.chosen] + [one for one in found if not one.chosen]
    where = [str(one.record["timed_on"]) for one in found if one.record.get("timed_on")]
    return Promises(tuple(map(_row, found[:_MOST])), where[0] if where else "", _table(run.latency))


def _row(one: Candidate) -> Promise:
    return Promise(
        one.genotype.summary(),
        f"{one.psnr:.2f}",
        _ms(finite_or_none(one.record.get("predicted_ms"))),
        _ms(one.milliseconds),
        "" if one.limit_ms is None else f"{one.limit_ms:g}",
        "" if one.kept is None else "kept" if one.kept else "missed",
        one.chosen,
    )


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _table(table: Mapping[str, Any]) -> str:
    check, machine = table.get("check"), table.get("machine")
    if not isinstance(check, Mapping) or not isinstance(machine, Mapping):
        return ""
    error, tau = finite_or_none(check.get("median_error")), finite_or_none(check.get("kendall_tau"))
    checked: Sequence[Any] = check.get("measured_ms") or ()
    if error is None or tau is None:
        return ""
    return (
        f"Predictions are those of a table of {table.get('networks')} whole networks, measured with "
        f"{machine.get('runtime')} ({machine.get('precision')}, {machine.get('threads')} threads). Checked on "
        f"{len(checked)} others, its median error was {number(100 * error)} %, Kendall's tau {tau:.2f}."
    )
