"""Candidates of a run: which compare, who is on the front, and what was drawn when."""

from __future__ import annotations

from typing import Any

import pytest

from hnas.errors import HnasError
from hnas.searching.candidates import Candidate, compare, early_and_late, read_candidate, shares
from hnas.space.chain import ChainGenotype


def line(width: int, psnr: float, macs: float, **more: Any) -> dict[str, Any]:
    genotype = ChainGenotype(width, ("conv_3x3",) * 2, "luma", 2)
    return {"genotype": genotype.to_dict(), "psnr": psnr, "macs": macs, "source": "random", **more}


def candidates(*lines: dict[str, Any]) -> list[Candidate]:
    return [read_candidate(f"line {number}", one) for number, one in enumerate(lines, start=1)]


def widths(found: Any) -> list[int]:
    return [one.genotype.width for one in found]


def test_the_front_is_that_of_multiply_adds_without_times():
    found = compare(candidates(line(4, 30.0, 1e9), line(8, 31.0, 3e9), line(16, 29.0, 2e9)))
    assert (found.by_time, found.over_bicubic, found.of_derived) == (False, False, False)
    assert widths(found.front) == [4, 8]


def test_two_that_were_timed_are_compared_by_time_and_the_others_left_out():
    timed = {"latency_measured": True}
    found = compare(
        candidates(
            line(4, 30.0, 1e9, latency_ms=9.0, **timed),
            line(8, 31.0, 3e9, latency_ms=5.0, **timed),
            line(16, 40.0, 1e8, latency_ms=1.0),  # predicted
        )
    )
    assert found.by_time
    assert widths(found.candidates) == [4, 8]
    assert widths(found.front) == [8]
    assert found.cost(found.candidates[0]) == 9.0


def test_gains_compare_where_all_have_one_and_finalists_make_the_front():
    found = compare(
        candidates(
            line(4, 30.0, 1e9, gain=0.5, source="derive"),
            line(8, 29.0, 3e9, gain=0.9, source="derive"),
            line(16, 45.0, 1e8, gain=3.0),
        )
    )
    assert (found.over_bicubic, found.of_derived) == (True, True)
    assert widths(found.front) == [4, 8]


@pytest.mark.parametrize(("measured", "kept"), [(9.0, True), (10.0, True), (10.1, False), (None, None)])
def test_a_limit_is_kept_by_what_was_measured(measured, kept):
    (one,) = candidates(line(4, 30.0, 1e9, latency_ms=measured, latency_measured=measured is not None, limit_ms=10))
    assert one.kept is kept


def test_shares_are_those_of_each_question():
    first, second = (
        ChainGenotype(4, ("conv_3x3", "residual_3x3"), "luma", 2),
        ChainGenotype(8, ("conv_3x3",), "luma", 1),
    )
    found = shares([first, second])
    assert found["Blocks"] == {"conv_3x3": pytest.approx(2 / 3), "residual_3x3": pytest.approx(1 / 3)}
    assert found["Width, channels"] == {"4": 0.5, "8": 0.5}


def test_the_first_third_is_early_and_the_last_late():
    drawn = candidates(
        *(line(width, 30.0, 1e9) for width in (4, 8, 8, 8, 8, 16, 16)), line(32, 30.0, 1e9, source="derive")
    )
    early, late = early_and_late(drawn)
    assert early["Width, channels"] == {"4": 0.5, "8": 0.5}
    assert late["Width, channels"] == {"16": 1.0}
    assert early_and_late(drawn[:2]) == ({}, {})


@pytest.mark.parametrize("wrong", [{"psnr": None}, {"macs": float("nan")}, {"genotype": {}}])
def test_what_is_none_is_named(wrong):
    with pytest.raises(HnasError, match=r"^line 1: "):
        candidates({**line(4, 30.0, 1e9), **wrong})
