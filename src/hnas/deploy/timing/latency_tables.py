"""Latency tables built on this machine: a few networks of a space timed in turns, a fit, and a check of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from hnas.bounds import refuse_below
from hnas.deploy.timing.graphs import graph_of
from hnas.deploy.timing.latency_table import LatencyCheck, LatencyTable, fit_parts, plain
from hnas.deploy.timing.stopwatch import Graph, Machine, Stopwatch
from hnas.nets import Family
from hnas.space import Genotype, Space

#: Networks measured for every part that they tell apart; more average out what the machine does meanwhile.
_FOR_EACH = 1.6
#: Draws among which those are chosen that tell parts apart best.
_POOL = 600
#: A table that fails its check is measured on, with all turns so far, so often in all.
_ATTEMPTS = 3
#: A direction that nothing tells apart yet counts as this uncertain.
_UNKNOWN = 1e-3


@dataclass(frozen=True)
class Thoroughness:
    """How much is measured.

    Attributes:
        rounds: turns of every network; the median counts. A table that fails its check gets as many again, twice.
        check: whole networks whose measurement the table is compared with.

    Raises:
        HnasError: fewer than 1 round or 4 networks.
    """

    rounds: int = 5
    check: int = 12

    def __post_init__(self) -> None:
        refuse_below(1, self, "rounds")
        refuse_below(4, self, "check")


def build_latency_table(
    space: Space,
    family: Family,
    machine: Machine,
    *,
    about: Mapping[str, Any],
    thoroughness: Thoroughness | None = None,
    say: Callable[[str], None] = lambda words: None,
) -> LatencyTable:
    """Measures a table, and after that its check, with other networks if the space has so many.

    Args:
        space: genotypes to predict.
        family: their networks.
        machine: what runs them, and on which size.
        about: what the table says of the space.
        thoroughness: how much is measured.
        say: is told how long it takes before it begins, and how far it is.

    Raises:
        HnasError: the runtime is missing or cannot load a network.
    """
    thoroughness = thoroughness or Thoroughness()
    pool = _pool(space, Random(0))
    chosen = _telling(pool, [family.parts(one) for one in pool])
    others = [one for one in pool if one not in set(chosen)]
    if len(others) < thoroughness.check:
        others = pool  # which are measured anew for the check
    watch = _Watch(family, machine)
    typical = sorted(chosen, key=lambda one: family.cost(one, machine.lr_size).macs)[len(chosen) // 2]
    began = perf_counter()
    watch.turns("estimate", [typical], 1)
    first = perf_counter() - began
    began = perf_counter()
    watch.turns("estimate", [typical], 1)
    again = perf_counter() - began
    checked = min(thoroughness.check, len(others))
    seconds = (len(chosen) + checked) * (first - again + thoroughness.rounds * again)
    say(
        f"measuring a latency table of {machine.words}: {len(chosen)} networks and {checked} to check it, "
        f"{thoroughness.rounds} turns each, about {_duration(seconds)}"
    )
    for attempt in range(1, _ATTEMPTS + 1):
        table = _measured(chosen, others, watch, thoroughness, about=about, say=say)
        if table.check.good or attempt == _ATTEMPTS:
            break
        say(f"the check found {table.check.words}, which is too bad; measuring as much again")
    return table


def _measured(
    chosen: Sequence[Genotype],
    others: Sequence[Genotype],
    watch: _Watch,
    thoroughness: Thoroughness,
    *,
    about: Mapping[str, Any],
    say: Callable[[str], None],
) -> LatencyTable:
    """The table of some networks, and its check on others, with all turns that the watch has seen so far."""
    parts = watch.family.parts
    milliseconds = fit_parts([parts(one) for one in chosen], watch.turns("fit", chosen, thoroughness.rounds, say))
    machine = plain(watch.machine.as_dict())
    table = LatencyTable(machine, plain(about), milliseconds, len(chosen), LatencyCheck.of([1.0], [1.0]))

    def predict(genotype: Genotype) -> float:
        return table.predict(parts(genotype))

    known = [one for one in others if parts(one).keys() <= milliseconds.keys()]
    spread = watch.checked or _spread(known, predict, thoroughness.check)
    watch.checked = spread
    say(f"checking it on {len(spread)} networks")
    times = watch.turns("check", spread, thoroughness.rounds)
    return replace(table, check=LatencyCheck.of([predict(one) for one in spread], times))


class _Watch:
    """Networks timed in turns; each is made ready for its runtime once.

    Attributes:
        checked: the networks of the check, once they are chosen.
    """

    def __init__(self, family: Family, machine: Machine) -> None:
        self.family, self.machine = family, machine
        self.checked: list[Genotype] = []
        self._graphs: dict[str, Graph] = {}
        self._times: dict[tuple[str, str], list[float]] = {}

    def turns(
        self,
        purpose: str,
        genotypes: Sequence[Genotype],
        rounds: int,
        say: Callable[[str], None] = lambda words: None,
    ) -> list[float]:
        """So many more turns of each; the median milliseconds of all turns for this purpose."""
        names = [one.to_json() for one in genotypes]
        for name, one in zip(names, genotypes, strict=True):
            if name not in self._graphs:
                network = self.family.target(one).eval()
                self._graphs[name] = graph_of(network, self.machine.backend, self.machine.device)
        watch = Stopwatch(self.machine, self._graphs)
        for number in range(1, rounds + 1):
            for name in names:
                self._times.setdefault((purpose, name), []).append(watch.turn(name))
            if number < rounds:
                say(f"turn {number} of {rounds} done")
        return [median(self._times[purpose, name]) for name in names]


def _pool(space: Space, random: Random) -> list[Genotype]:
    """Genotypes of all sorts, each once: the whole space if it is small.

    Half are drawn uniformly over genotypes, half choice by choice: of those as many are shallow as are deep.
    """
    if space.size <= _POOL:
        return list(space)
    drawn: dict[Genotype, None] = {}
    for _ in range(_POOL // 2):
        tokens: list[int] = []
        for head in space.heads:
            for _choice in head.choices:
                tokens.append(random.randrange(space.open_options(tokens)))
        drawn[space.decode(tokens)] = None
        drawn[space.sample(random)] = None
    return list(drawn)


def _telling(pool: Sequence[Genotype], parts: Sequence[Mapping[str, int]]) -> list[Genotype]:
    """Those few whose sums of parts say most about every part: each next one is what the others predict worst.

    Each step adds the network of the largest variance ``x' (X'X)^-1 x`` of its prediction, which is D-optimal design,
    greedily (Fedorov, Theory of Optimal Experiments, 1972). Counts stand in shares, since errors are relative.
    """
    names = sorted({name for one in parts for name in one})
    counts = np.array([[one.get(name, 0) for name in names] for one in parts], np.float64)
    shares = counts / counts.sum(axis=1, keepdims=True)
    shares /= np.maximum(shares.mean(axis=0), 1e-12)
    wanted = min(len(pool), max(6, round(_FOR_EACH * len(names))))
    inverse = np.eye(len(names)) / _UNKNOWN
    taken: list[int] = []
    for _ in range(wanted):
        variance = np.einsum("ij,jk,ik->i", shares, inverse, shares)
        variance[taken] = -1.0
        best = int(variance.argmax())
        taken.append(best)
        along = inverse @ shares[best]
        inverse -= np.outer(along, along) / (1.0 + shares[best] @ along)
    return [pool[index] for index in taken]


def _spread(genotypes: Sequence[Genotype], predict: Callable[[Genotype], float], count: int) -> list[Genotype]:
    """So many of them, from the quickest to the slowest at even steps of rank."""
    ordered = sorted(genotypes, key=predict)
    if len(ordered) <= count:
        return ordered
    return [ordered[round(at * (len(ordered) - 1) / (count - 1))] for at in range(count)]


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} minutes"
