"""The front and the margins, on times and figures that are made up."""

from __future__ import annotations

import json
import math

import pytest

from hnas.zoo.standing import TimedRow, as_objects, at_equal_milliseconds, front, margins_as_objects
from hnas.zoo.table_two import Printed


def row(name: str, ms: float, *decibels: float, ours: bool = False) -> TimedRow:
    psnr = dict(zip(("Set5", "Set14"), decibels, strict=False))
    return TimedRow(name, ours=ours, weights="w", milliseconds=ms, macs=1, params=1, psnr=psnr, ssim=psnr)


ROWS = [
    row("quick", 5, 36.0, 32.0),
    row("a", 10, 37.0, 33.0, ours=True),
    row("as good, slower", 12, 37.0, 33.4),
    row("b", 20, 36.5, 34.0, ours=True),
    row("better", 20, 37.5, 32.5),
    row("best", 40, 38.0, 34.0),
    row("c", 41, 37.9, 34.0, ours=True),
]


def test_the_front_has_what_no_faster_one_equals() -> None:
    assert [one.name for one in front(ROWS)] == ["quick", "a", "better", "best"]
    assert [one.name for one in front(list(reversed(ROWS)))] == ["quick", "a", "better", "best"]
    assert [one.name for one in front([one for one in ROWS if one.ours])] == ["a", "c"]
    assert front([row("not measured", 1)]) == []


def test_margins_compare_with_the_best_of_ours_in_no_more_time() -> None:
    margins = {margin.network.name: margin for margin in at_equal_milliseconds(ROWS)}
    assert list(margins) == ["quick", "as good, slower", "better", "best"]
    assert (margins["quick"].best, margins["quick"].ahead) == (None, {})
    # b takes exactly as long as "better", but a is better than b on the first set.
    assert margins["better"].best == ROWS[1]
    assert margins["better"].ahead == pytest.approx({"Set5": -0.5, "Set14": 0.5})
    assert margins["as good, slower"].ahead == pytest.approx({"Set5": 0.0, "Set14": -0.4})
    assert at_equal_milliseconds([row("theirs", 1), row("mine", 1, ours=True)]) == []


def test_ours_may_take_exactly_as_long() -> None:
    [margin] = at_equal_milliseconds([row("theirs", 7, 37.0, 33.0), row("mine", 7, 37.25, 33.0, ours=True)])
    assert margin.ahead == {"Set5": 0.25, "Set14": 0.0}


def test_rows_and_margins_as_json() -> None:
    exact = TimedRow("exact", True, "w", 1.5, 2, 3, {"Set5": math.inf}, {"Set5": 1.0}, {"Set5": Printed(37.0)})
    [written] = json.loads(json.dumps(as_objects([exact]), allow_nan=False))
    assert written["psnr"] == {"Set5": None}
    assert written["printed_psnr"] == {"Set5": 37.0}
    assert (written["front"], written["ours"], written["latency_ms"]) == (True, True, 1.5)
    quick, slower, *_ = margins_as_objects(at_equal_milliseconds(ROWS))
    assert quick == {"name": "quick", "latency_ms": 5, "best": None, "best_latency_ms": None, "ahead": {}}
    assert (slower["best"], slower["best_latency_ms"]) == ("a", 10)
