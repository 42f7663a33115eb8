"""Which of the installed runtimes runs a network in the least time here: one network timed by all of them in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter

from hnas.deploy.design.family import Candidate
from hnas.deploy.design.survey import Clock, Turn
from hnas.deploy.running.runtimes import BackendName
from hnas.errors import HnasError

#: Only a runtime that takes at most this part of the time of those before it is preferred to them.
CLEARLY = 0.95


def one_to_try(family: Sequence[Candidate], smallest_ms: float, limit_ms: float | None) -> Candidate:
    """The network that tells most about runtimes: the largest that should be near the limit, else the middle one.

    Args:
        family: in any order.
        smallest_ms: what the one with the fewest multiply-adds takes; of the others as many times as much is expected.
        limit_ms: None where there is none.
    """
    ordered = sorted(family, key=lambda one: one.macs)
    if limit_ms is None:
        return ordered[len(ordered) // 2]
    fitting = [one for one in ordered if smallest_ms * one.macs / ordered[0].macs <= limit_ms]
    return fitting[-1] if fitting else ordered[0]


def time_runtimes(
    turns: Mapping[BackendName, Callable[[], float]],
    *,
    seconds: float = 6.0,
    most: int = 7,
    now: Clock = perf_counter,
) -> dict[BackendName, float]:
    """The median ms of one network by runtime, in turns; without those that cannot run it.

    Args:
        turns: each times the network once.
        seconds: no round is begun after so many; two are done in any case.
        most: rounds.
        now: tells the seconds.

    Raises:
        HnasError: none of them can run it; says why the last one cannot.
    """
    began = now()
    times: dict[BackendName, list[float]] = {}
    for backend, turn in turns.items():
        try:
            times[backend] = [turn()]
        except HnasError as error:
            failure = error
    if not times:
        raise failure
    for count in range(1, most):
        if count >= 2 and now() - began > seconds:
            break
        for backend, found in times.items():
            found.append(turns[backend]())
    return {backend: median(found) for backend, found in times.items()}


def quickest(times: Mapping[BackendName, float]) -> BackendName:
    """The runtime with the least time; an earlier one where a later one is not clearly faster."""
    best, *others = times
    for other in others:
        if times[other] <= CLEARLY * times[best]:
            best = other
    return best


def turns_of(turns: Mapping[BackendName, Turn], name: str) -> dict[BackendName, Callable[[], float]]:
    """The turns of one network of each runtime's stopwatch."""

    def bound(turn: Turn) -> Callable[[], float]:
        return lambda: turn(name)

    return {backend: bound(turn) for backend, turn in turns.items()}
