"""How networks timed in one run stand to each other: the front, and what ours reach in the time of another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hnas import ranking
from hnas.zoo.table_two import Printed


@dataclass(frozen=True)
class TimedRow:
    """A network, its time in the one run, its cost and what it reaches.

    Attributes:
        name: of the network.
        ours: of this project; else made by others, with published weights.
        weights: where the weights come from.
        milliseconds: of one picture, median.
        macs: multiply-adds at a 3x480x480 input.
        params: trained numbers.
        psnr: dB on Y by set, in the order of the table; empty where nothing was measured.
        ssim: on Y by set.
        printed: what its paper prints, by set.
    """

    name: str
    ours: bool
    weights: str
    milliseconds: float
    macs: int
    params: int
    psnr: Mapping[str, float] = field(default_factory=dict)
    ssim: Mapping[str, float] = field(default_factory=dict)
    printed: Mapping[str, Printed] = field(default_factory=dict)

    @property
    def decibels(self) -> float:
        """PSNR on the first set, which decides who is on the front."""
        return next(iter(self.psnr.values()))


@dataclass(frozen=True)
class Margin:
    """What ours reach in the time that a published network takes.

    Attributes:
        network: the published one.
        best: of ours that take no more milliseconds the one with the highest PSNR on the first set; None where all
            take longer.
        ahead: by how many dB it is ahead (above 0) or behind, by set.
    """

    network: TimedRow
    best: TimedRow | None
    ahead: Mapping[str, float]


def front(rows: Sequence[TimedRow]) -> list[TimedRow]:
    """Those that no faster one equals in PSNR on the first set, fastest first; none where nothing was measured."""
    return ranking.front(
        (row for row in rows if row.psnr), cost=lambda row: row.milliseconds, quality=lambda row: row.decibels
    )


def at_equal_milliseconds(rows: Sequence[TimedRow]) -> list[Margin]:
    """For every published network what the best of ours reach in no more time, in the order of the rows."""
    ours = [row for row in rows if row.ours and row.psnr]
    margins = []
    for row in rows:
        if row.ours or not row.psnr:
            continue
        in_time = [own for own in ours if own.milliseconds <= row.milliseconds]
        best = max(in_time, key=lambda own: own.decibels, default=None)
        ahead = {name: best.psnr[name] - psnr for name, psnr in row.psnr.items()} if best else {}
        margins.append(Margin(row, best, ahead))
    return margins


def as_objects(rows: Sequence[TimedRow]) -> list[dict[str, Any]]:
    """Rows as JSON values; a PSNR that is infinite (an exact copy) becomes None."""
    best = front(rows)
    return [
        {
            "name": row.name,
            "ours": row.ours,
            "front": row in best,
            "latency_ms": row.milliseconds,
            "macs": row.macs,
            "params": row.params,
            "weights": row.weights,
            "psnr": _finite(row.psnr),
            "ssim": dict(row.ssim),
            "printed_psnr": {name: printed.psnr for name, printed in row.printed.items()},
        }
        for row in rows
    ]


def margins_as_objects(margins: Sequence[Margin]) -> list[dict[str, Any]]:
    """Margins as JSON values, dB; ``best`` is None where none of ours is as fast."""
    return [
        {
            "name": margin.network.name,
            "latency_ms": margin.network.milliseconds,
            "best": margin.best and margin.best.name,
            "best_latency_ms": margin.best and margin.best.milliseconds,
            "ahead": _finite(margin.ahead),
        }
        for margin in margins
    ]


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
