"""What is chosen for which limits, with made times: no clock is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from hnas.deploy.design.choice import Requirements, best_within, front, refuse_impossible, settle
from hnas.errors import HnasError
from tests.deploy.made_family import candidate

FAMILY = [
    candidate("tiny", 32.0, macs=1 * 10**9, params=1000),
    candidate("small", 33.0, macs=2 * 10**9, params=9000),
    candidate("odd", 32.9, macs=3 * 10**9, params=3000),  # slower than small, and worse
    candidate("medium", 34.0, macs=4 * 10**9, params=4000),
    candidate("large", 35.0, macs=8 * 10**9, params=8000),
]
TIMES = {"tiny": 10.0, "small": 20.0, "odd": 25.0, "medium": 38.0, "large": 90.0}


class Clock:
    """Measures by a table, and remembers what it was asked for."""

    def __init__(self, **measured: float) -> None:
        self.measured, self.asked = TIMES | measured, list[list[str]]()

    def __call__(self, names: Sequence[str]) -> Mapping[str, float]:
        self.asked.append(list(names))
        return {name: self.measured[name] for name in names}


def test_the_front_leaves_out_what_is_slower_and_no_better() -> None:
    assert [one.name for one in front(FAMILY, TIMES)] == ["tiny", "small", "medium", "large"]


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ({"latency_ms": 40}, "medium"),
        ({"latency_ms": 38}, "medium"),  # a limit may be met exactly
        ({"latency_ms": 37.9}, "small"),
        ({"macs": 4e9}, "medium"),
        ({"params": 8500}, "large"),
        ({"latency_ms": 40, "params": 3500}, "odd"),
        ({"latency_ms": 22, "macs": 1.5e9}, "tiny"),
        ({"psnr": 33}, "small"),  # the fastest, not the best
        ({"psnr": 33.5, "latency_ms": 100}, "medium"),
        ({"psnr": 34.5, "latency_ms": 40}, None),
        ({"latency_ms": 5}, None),
    ],
)
def test_the_best_within_limits(limits: dict[str, Any], name: str | None) -> None:
    found = best_within(FAMILY, TIMES, Requirements(**limits))
    assert (found.name if found else None) == name


def test_what_keeps_the_limit_is_measured_with_its_neighbours() -> None:
    clock = Clock(medium=39.0)
    chosen, measured = settle(FAMILY, TIMES, Requirements(latency_ms=40), clock)
    assert (chosen.name, measured["medium"]) == ("medium", 39.0)
    assert clock.asked == [["medium", "small", "large"]]


def test_one_that_misses_when_it_is_measured_is_passed_over() -> None:
    clock = Clock(medium=41.0)
    chosen, measured = settle(FAMILY, TIMES, Requirements(latency_ms=40), clock)
    assert (chosen.name, measured["small"]) == ("small", 20.0)
    assert clock.asked == [["medium", "small", "large"]]  # small was a neighbour and needs no further measurement


def test_misses_go_on_until_one_fits() -> None:
    clock = Clock(medium=41.0, small=40.5, odd=40.1, tiny=12.0)
    chosen, measured = settle(FAMILY, TIMES, Requirements(latency_ms=40), clock)
    assert (chosen.name, measured["tiny"]) == ("tiny", 12.0)
    assert {name for names in clock.asked for name in names} == set(TIMES)


def test_a_better_neighbour_that_fits_after_all_is_taken() -> None:
    estimates = TIMES | {"large": 42.0}
    chosen, measured = settle(FAMILY, estimates, Requirements(latency_ms=40), Clock(large=39.9))
    assert (chosen.name, measured["large"]) == ("large", 39.9)


def test_what_just_misses_by_its_estimate_is_measured_before_it_is_refused() -> None:
    assert settle(FAMILY, TIMES, Requirements(latency_ms=9), Clock(tiny=8.9))[0].name == "tiny"
    with pytest.raises(HnasError, match=r"no network keeps 9 ms here: the fastest, tiny, takes 9\.4 ms; give a larger"):
        settle(FAMILY, TIMES, Requirements(latency_ms=9), Clock(tiny=9.4))


def test_where_none_fits_nothing_is_measured_and_the_fastest_is_named() -> None:
    clock = Clock()
    with pytest.raises(HnasError, match=r"no network keeps 5 ms here: the fastest, tiny, takes 10\.0 ms"):
        settle(FAMILY, TIMES, Requirements(latency_ms=5), clock)
    assert not clock.asked
    limits = Requirements(latency_ms=30, psnr=34)
    with pytest.raises(HnasError, match=r"the fastest that keeps the other limits, medium, takes 38\.0 ms"):
        settle(FAMILY, TIMES, limits, clock)


def test_limits_hold_for_the_measured_times_whatever_these_are() -> None:
    """By all combinations of estimates that are right, too low or too high."""
    factors = (0.6, 1.0, 1.7)
    for number in range(len(factors) ** len(TIMES)):
        wrong = {name: TIMES[name] * factors[number // len(factors) ** at % 3] for at, name in enumerate(TIMES)}
        chosen, measured = settle(FAMILY, wrong, Requirements(latency_ms=40), Clock())
        assert measured[chosen.name] == TIMES[chosen.name] <= 40


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"psnr": 36}, r"no network reaches 36 dB on Kodak24: the best, large, has 35\.00; give a smaller --min-psnr"),
        ({"macs": 5e8}, r"as few as 0\.5 G multiply-adds: the smallest, tiny, has 1\.00 G at 480x480; give a larger"),
        ({"params": 500, "latency_ms": 99}, r"as few as 0\.5 k parameters: the smallest, tiny, has 1\.0 k"),
        ({"params": 2000, "psnr": 33}, r"no network keeps 2 k parameters, at least 33 dB at once"),
    ],
)
def test_limits_that_no_card_keeps_are_refused(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(HnasError, match=message):
        refuse_impossible(FAMILY, Requirements(**limits))
    with pytest.raises(HnasError, match=message):
        settle(FAMILY, TIMES, Requirements(**limits), Clock())


def test_limits_are_read_from_words_and_said_in_words() -> None:
    limits = Requirements.parse(max_latency="40ms", max_macs="3.5G", max_params="50k", min_psnr=33.0)
    assert limits == Requirements(40.0, 3.5e9, 50e3, 33.0)
    assert limits.words == "40 ms, 3.5 G multiply-adds, 50 k parameters, at least 33 dB"
    assert Requirements.parse(max_latency="40").as_dict() == {"latency_ms": 40.0}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no limit is given; give one or more of --max-latency 40ms"),
        ({"max_latency": "0"}, "no limit is given"),
        ({"max_latency": "40s"}, "--max-latency is '40s'"),
        ({"max_macs": "many"}, "--max-macs is 'many'"),
        ({"min_psnr": float("nan")}, "--min-psnr is nan"),
    ],
)
def test_limits_that_are_none_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(HnasError, match=message):
        Requirements.parse(**given)
