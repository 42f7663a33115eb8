"""Which network takes how long, found out in a given time: in turns, cheapest first, and the rest by a line.

Pure of any clock and any runtime: both come in as functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np

from hnas.deploy.design.family import Candidate

#: One turn of a network: milliseconds.
Turn = Callable[[str], float]
#: Seconds of a clock that only goes on.
Clock = Callable[[], float]


class Costed(NamedTuple):
    """A network to time, with its multiply-adds."""

    name: str
    macs: int


@dataclass(frozen=True)
class Patience:
    """How much time a survey takes.

    Attributes:
        seconds: no round is begun that would end later; every network's first turn counts as part of it.
        rounds: at most so many turns of each.
        beyond: networks that take so many times the limit get no further turn, and larger ones none.
        most: of larger families only so many are timed, and the others stand on a line through those.
    """

    seconds: float = 18.0
    rounds: int = 5
    beyond: float = 3.0
    most: int = 16


#: A measured time is one that this part of the runs keeps: on a quiet machine nearly the median, on a busy one close to
#: what a run takes beside the others' work.
KEPT_BY = 0.75
#: Networks that are no plain chains may take so many times as long for their multiply-adds.
_SLOWER = 3.0
#: For an answer within a minute.
USUAL = Patience()


def survey(
    family: Sequence[Costed],
    others: Sequence[Costed],
    turn: Turn,
    *,
    limit_ms: float | None,
    patience: Patience = USUAL,
    now: Clock = perf_counter,
) -> dict[str, float]:
    """The median milliseconds of those that there was time for.

    Args:
        family: plain networks, for which more multiply-adds take longer.
        others: networks of which some are slow for their multiply-adds.
        turn: times one.
        limit_ms: what takes far longer is not worth its time; None where nothing is too long.
        patience: how far to go.
        now: tells the seconds.
    """
    end = now() + patience.seconds
    too_long = patience.beyond * limit_ms if limit_ms else float("inf")
    turns: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    too_many = float("inf")  # multiply-adds

    def first(network: Costed, slower: float = 1.0) -> bool:
        """Its first turn, if there is time; a second one where the first says that it takes too long."""
        began = now()
        slowest = max((seconds[done.name] / done.macs for done in family if done.name in seconds), default=0.0)
        if network.macs >= too_many or began + slower * slowest * network.macs > end:
            return False
        turns[network.name] = [turn(network.name)]
        seconds[network.name] = now() - began
        if turns[network.name][0] > too_long:
            turns[network.name] = [min(turns[network.name][0], turn(network.name))]
        return True

    for network in sorted(family, key=lambda one: one.macs):
        if not first(network):
            break
        if turns[network.name][0] > too_long:
            too_many = network.macs
    for network in sorted(others, key=lambda one: one.macs):
        first(network, _SLOWER)
    kept = [name for name, found in turns.items() if found[0] <= too_long]
    for _ in range(1, patience.rounds):
        if now() + sum(seconds[name] for name in kept) > end:
            break
        for name in kept:
            turns[name].append(turn(name))
    return {name: median(found) for name, found in turns.items()}


def spread(family: Sequence[Candidate], most: int) -> tuple[Candidate, ...]:
    """At most about so many of a family: of every width the smallest and the largest, and an even part of the rest.

    Args:
        family: in any order.
        most: how many; the ends of the widths are kept even if they are more.
    """
    if len(family) <= most:
        return tuple(family)
    ends = set()
    for width in {one.width for one in family}:
        same = [one.name for one in sorted(family, key=lambda one: one.macs) if one.width == width]
        ends |= {same[0], same[-1]}
    rest = [one for one in sorted(family, key=lambda one: one.macs) if one.name not in ends]
    room = max(most - len(ends), 0)
    ends |= {rest[at * len(rest) // room].name for at in range(room)}
    return tuple(one for one in family if one.name in ends)


def measure_whole(
    names: Sequence[str], turn: Turn, *, seconds: float = 12.0, most: int = 15, now: Clock = perf_counter
) -> dict[str, float]:
    """Milliseconds that count: those that three of four runs keep, in the slower of two passes of rounds in turns.

    Args:
        names: networks.
        turn: times one.
        seconds: about how long it takes; two rounds a pass are done in any case.
        most: rounds in a pass.
        now: tells the seconds.
    """
    began = now()
    for name in names:
        turn(name)  # also brings everything to the same warmth
    rounds = max(2, min(most, int(seconds / 2 / max(now() - began, 1e-6))))
    passes = []
    for _ in range(2):
        turns: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                turns[name].append(turn(name))
        passes.append({name: float(np.quantile(found, KEPT_BY)) for name, found in turns.items()})
    return {name: max(one[name] for one in passes) for name in names}


def predict(family: Sequence[Candidate], measured: dict[str, float]) -> dict[str, float]:
    """Milliseconds of those that were not timed: on the line ``a + b * multiply-adds`` of their width.

    Where a width has fewer than two timed ones, by the multiply-adds per ms of the timed one that is nearest in them.

    Args:
        family: all networks.
        measured: ms by name, of at least one of the family.
    """
    timed = [one for one in family if one.name in measured]
    found = {}
    for one in family:
        if one.name in measured:
            continue
        same = [other for other in timed if other.width == one.width]
        nearest = min(same or timed, key=lambda other: abs(other.macs - one.macs))
        by_ratio = measured[nearest.name] * one.macs / nearest.macs
        found[one.name] = by_ratio
        if len({other.macs for other in same}) > 1:
            points = np.array([(other.macs, measured[other.name]) for other in same], np.float64)
            slope, start = np.polyfit(points[:, 0], points[:, 1], 1)
            if slope > 0 and start + slope * one.macs > 0:
                found[one.name] = float(start + slope * one.macs)
    return found
