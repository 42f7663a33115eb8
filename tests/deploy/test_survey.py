"""What gets its turn and what is foretold, by a made clock that only goes on when a network is timed."""

from __future__ import annotations

import pytest

from hnas.deploy.design.survey import Costed, Patience, measure_whole, predict, spread, survey
from tests.deploy.made_family import candidate


class World:
    """Networks that take so many milliseconds, and twice that of the clock (one run unseen, one timed)."""

    def __init__(self, **milliseconds: float) -> None:
        self.milliseconds, self.seconds, self.turns = milliseconds, 0.0, list[str]()

    def turn(self, name: str) -> float:
        self.turns.append(name)
        self.seconds += 2 * self.milliseconds[name] / 1e3
        return self.milliseconds[name]

    def now(self) -> float:
        return self.seconds


FAMILY = [Costed("a", 1), Costed("b", 2), Costed("c", 4), Costed("d", 40), Costed("e", 80)]
TIMES = {"a": 10.0, "b": 20.0, "c": 40.0, "d": 400.0, "e": 800.0}


def test_everything_gets_its_rounds_where_there_is_time() -> None:
    world = World(**TIMES)
    found = survey(FAMILY, [], world.turn, limit_ms=None, patience=Patience(seconds=100, rounds=3), now=world.now)
    assert found == TIMES
    assert world.turns == ["a", "b", "c", "d", "e"] * 3


def test_what_takes_far_longer_than_the_limit_gets_no_further_turn_and_larger_ones_none() -> None:
    world = World(**TIMES)
    found = survey(FAMILY, [], world.turn, limit_ms=20, patience=Patience(seconds=100, rounds=3), now=world.now)
    assert found == {"a": 10.0, "b": 20.0, "c": 40.0, "d": 400.0}
    assert world.turns == ["a", "b", "c", "d", "d", *["a", "b", "c"] * 2]  # d twice: a hiccup may look like that


def test_the_time_that_there_is_is_kept() -> None:
    world = World(**TIMES)
    found = survey(FAMILY, [], world.turn, limit_ms=None, patience=Patience(seconds=1.0), now=world.now)
    assert world.seconds <= 1.0
    assert found == {"a": 10.0, "b": 20.0, "c": 40.0, "d": 400.0}  # e would have taken 1.6 s


def test_other_networks_are_timed_where_they_are_not_hopeless() -> None:
    world = World(**TIMES, slow=900.0, fine=30.0, huge=5000.0)
    others = [Costed("slow", 3), Costed("fine", 3), Costed("huge", 50)]
    found = survey(FAMILY, others, world.turn, limit_ms=20, patience=Patience(seconds=100, rounds=2), now=world.now)
    assert found["fine"] == 30.0
    assert found["slow"] == 900.0
    assert world.turns.count("fine") == 2
    assert "huge" not in found  # more multiply-adds than d, which is beyond already


def test_what_three_of_four_runs_keep_counts_in_the_slower_pass() -> None:
    answers = iter([5.0, *[10.0, 11.0, 12.0, 13.0, 90.0], *[14.0, 11.0, 95.0, 12.0, 13.0]])
    ticks = iter([0.0, 1.0])
    found = measure_whole(["one"], lambda name: next(answers), seconds=10.0, now=lambda: next(ticks))
    assert found == {"one": 14.0}  # five rounds a pass, by the second that the first turn took; 13 in the first pass


def test_a_measurement_keeps_its_time_and_is_in_turns() -> None:
    world = World(a=100.0, b=200.0)
    measure_whole(["a", "b"], world.turn, seconds=6.5, now=world.now)
    assert world.turns == ["a", "b"] * (1 + 2 * 5)
    slow = World(a=9000.0)
    measure_whole(["a"], slow.turn, seconds=6.0, now=slow.now)
    assert len(slow.turns) == 1 + 2 * 2


def test_times_are_foretold_on_the_line_of_the_width() -> None:
    family = [candidate(f"w16-{at}", 30 + at, macs=at * 100, width=16) for at in (1, 2, 3, 5)]
    family += [candidate("w32", 40, macs=400, width=32)]
    found = predict(family, {"w16-1": 12.0, "w16-3": 32.0})
    assert found["w16-2"] == pytest.approx(22.0)  # 2 + 10 for every hundred
    assert found["w16-5"] == pytest.approx(52.0)
    assert found["w32"] == pytest.approx(32.0 * 4 / 3)  # nothing of its width: by the nearest in multiply-adds


def test_a_line_is_not_believed_where_it_falls() -> None:
    family = [candidate(f"w16-{at}", 30 + at, macs=at * 100, width=16) for at in (1, 2, 3)]
    assert predict(family, {"w16-1": 20.0, "w16-2": 10.0})["w16-3"] == pytest.approx(15.0)


def test_of_a_large_family_the_ends_of_every_width_are_timed() -> None:
    family = [
        candidate(f"{width}x{depth}", 30.0, macs=width * width * depth, width=width)
        for width in (16, 32)
        for depth in range(1, 11)
    ]
    names = [one.name for one in spread(family, 8)]
    assert len(names) == 8
    assert {"16x1", "16x10", "32x1", "32x10"} <= set(names)
    assert len(spread(family, 20)) == 20
    assert len(spread(family, 2)) == 4
