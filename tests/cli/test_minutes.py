"""Lines for log files: how long something goes on, by a made clock; and that they come whatever is done meanwhile."""

from __future__ import annotations

from time import monotonic, sleep

import pytest

from hnas.cli.minutes import Pace, in_words, minutes


def test_the_time_left_is_that_of_the_pace_so_far() -> None:
    seconds = 0.0
    pace = Pace(lambda: seconds)
    pace.done(0.0, "step 0 of 8")
    assert pace.left() is None
    seconds = 30.0
    pace.done(0.25, "step 2 of 8")
    assert pace.left() == pytest.approx(90.0)
    assert pace.line() == "step 2 of 8, 30 s so far, about 2 min left"
    seconds = 60.0  # nothing new: at this pace it takes longer
    assert pace.left() == pytest.approx(180.0)


def test_a_run_that_goes_on_had_done_much_before() -> None:
    seconds = 5.0
    pace = Pace(lambda: seconds)
    pace.done(0.5)
    seconds = 15.0
    pace.done(0.75)
    assert pace.left() == pytest.approx(10.0)


def test_without_a_share_the_time_so_far_is_told() -> None:
    seconds = 0.0
    pace = Pace(lambda: seconds)
    seconds = 600.0
    assert pace.line() == "10 min so far"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89.0, "89 s"), (90.0, "2 min"), (5399.0, "90 min"), (9000.0, "2.5 h")]
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_lines_come_by_themselves_and_end(capsys: pytest.CaptureFixture[str]) -> None:
    said = ""
    with minutes("work", first=0.01, every=0.01) as done:
        done(0.0, "step 0 of 2")
        done(0.5, "step 1 of 2")
        until = monotonic() + 60
        while said.count("\n") < 2 and monotonic() < until:
            sleep(0.01)
            said += capsys.readouterr().err
    first, *_ = said.splitlines()
    assert first.startswith("work: step ")
    assert " s so far" in first
    capsys.readouterr()
    sleep(0.05)
    assert not capsys.readouterr().err


def test_what_is_over_soon_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with minutes("work", first=3600.0) as done:
        done(1.0, "all")
    assert not capsys.readouterr().err
