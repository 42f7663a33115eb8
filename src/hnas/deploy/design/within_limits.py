"""A network designed for a limit: the family timed on this machine, the best within the limits measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hnas.deploy.design.attainable import Attainable, How, Peer, Timed, gather
from hnas.deploy.design.choice import Requirements, settle
from hnas.deploy.design.family import Candidate
from hnas.deploy.design.survey import USUAL, Costed, Patience, measure_whole, predict, spread, survey
from hnas.deploy.timing.stopwatch import Graph, Machine, Stopwatch

#: Seconds of the first measurement, and of each further one where a network missed the limit.
_FIRST, _FURTHER = 12.0, 4.0


@dataclass(frozen=True)
class Design:
    """The network for some limits.

    Attributes:
        limits: what was asked for.
        chosen: the network, with the time that was measured.
        expected_ms: what the survey had promised.
        attainable: everything that was timed; of what was measured its measured time.
    """

    limits: Requirements
    chosen: Timed
    expected_ms: float
    attainable: Attainable

    def note(self) -> dict[str, Any]:
        """What the card says of the design, as JSON values."""
        return {
            "limits": self.limits.as_dict(),
            **self.attainable.machine.as_dict(),
            "expected_ms": self.expected_ms,
            "measured_ms": self.chosen.milliseconds,
        }

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {**self.note(), "chosen": self.chosen.as_dict(), "attainable": self.attainable.as_dict()}


def look_around(
    family: Sequence[Candidate],
    peers: Sequence[Peer],
    machine: Machine,
    *,
    graphs: Mapping[str, Graph],
    limit_ms: float | None,
    patience: Patience = USUAL,
) -> tuple[Attainable, Stopwatch]:
    """Times the family and hand-made networks in turns.

    Args:
        family: networks to choose from.
        peers: networks to compare with.
        machine: what runs them.
        graphs: those of the family, by name.
        limit_ms: what takes far longer gets little time.
        patience: how far to go.

    Returns:
        What was found, and the stopwatch for further measurements.

    Raises:
        HnasError: the runtime is missing or cannot load a graph.
    """
    stopwatch = Stopwatch(machine, {**{peer.name: peer.graph for peer in peers}, **graphs})
    found = survey(
        [Costed(one.name, one.macs) for one in spread(family, patience.most)],
        [Costed(peer.name, peer.macs) for peer in peers],
        stopwatch.turn,
        limit_ms=limit_ms,
        patience=patience,
    )
    known: dict[str, How] = {one.name: "timed" if one.name in found else "predicted" for one in family}
    times = found | predict(family, found)
    return gather(family, peers, machine, times, known), stopwatch


def design(
    attainable: Attainable,
    limits: Requirements,
    turn: Callable[[str], float],
    say: Callable[[str], None] = lambda what: None,
) -> Design:
    """Chooses by what is known, measures, and takes only what keeps the limits by its measured time.

    Args:
        attainable: from :func:`look_around`.
        limits: what the network must keep.
        turn: times a network once.
        say: is told what is being measured.

    Raises:
        HnasError: no network keeps the limits.
    """
    family = [one.candidate for one in attainable.family]
    estimates = {one.candidate.name: one.milliseconds for one in attainable.family}
    budgets = iter((_FIRST,))

    def measure(names: Sequence[str]) -> dict[str, float]:
        wanted = [name for at, name in enumerate(names) if at == 0 or _brief(names[: at + 1], estimates)]
        say(f"measuring {', '.join(wanted)}")
        return measure_whole(wanted, turn, seconds=next(budgets, _FURTHER))

    chosen, measured = settle(family, estimates, limits, measure)
    found = attainable.changed(measured, "measured")
    timed = next(one for one in found.family if one.candidate is chosen)
    return Design(limits, timed, estimates[chosen.name], found)


def _brief(names: Sequence[str], estimates: Mapping[str, float]) -> bool:
    """Whether the least that a measurement does of these, five rounds of two runs each, takes not much too long."""
    return 5 * 2 * sum(estimates[name] for name in names) / 1e3 < 1.5 * _FIRST
