"""Milliseconds of finalists, measured on whole networks: a prediction is never what a limit is held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from hnas.deploy.design.survey import measure_whole
from hnas.deploy.timing.graphs import graph_of
from hnas.deploy.timing.stopwatch import Machine, Stopwatch
from hnas.errors import HnasError
from hnas.nets import Family, family_of
from hnas.searching.reward import Scored
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import pareto_ranks

#: Finalists that are timed in turns under a limit, so many after each miss.
_AT_A_TIME = 3
#: About how many seconds one such measurement takes.
_SECONDS = 8.0


def measured(settings: SearchSettings, scored: Sequence[Scored], machine: Machine) -> list[Scored]:
    """The same genotypes, with the milliseconds of as many as ``measure`` says.

    Those of the front of PSNR against multiply-adds come first, then those behind it. Their networks run whole and in
    turns, in the form that is run in the end.

    Args:
        settings: say how many.
        scored: with what they cost.
        machine: what runs them.
    """
    ranks = pareto_ranks([(one.psnr, -float(one.cost.macs)) for one in scored])
    order = sorted(range(len(scored)), key=lambda index: (ranks[index], -scored[index].psnr))[: settings.measure]
    return _with_times(scored, order, family_of(settings.space, settings), machine)


def measured_within(
    settings: SearchSettings,
    scored: Sequence[Scored],
    machine: Machine,
    *,
    limit: float,
    worth: Callable[[Scored], float],
    say: Callable[[str], None] = lambda words: None,
) -> list[Scored]:
    """The same genotypes, with the milliseconds of the best ones, and of further ones until one keeps a limit.

    After a miss, those come next that would keep the limit if they, too, took longer than predicted by as much.

    Args:
        settings: say how many are timed at first.
        scored: with their predicted latency, all within the limit.
        machine: what runs them.
        limit: milliseconds.
        worth: what is larger for better ones.
        say: is told of every miss.

    Raises:
        HnasError: none keeps the limit; says what the quickest takes.
    """
    family = family_of(settings.space, settings)
    left = sorted(range(len(scored)), key=lambda index: worth(scored[index]), reverse=True)
    found, slower, at_a_time = list(scored), 1.0, max(settings.measure, _AT_A_TIME)
    times: dict[int, float] = {}
    while left:
        hopeful = [index for index in left if _latency(scored[index]) * slower <= limit]
        last = not hopeful
        order = (hopeful or sorted(left, key=lambda index: _latency(scored[index])))[:at_a_time]
        found = _with_times(found, order, family, machine)
        times |= {index: _latency(found[index]) for index in order}
        if min(times[index] for index in order) <= limit:
            return found
        for index in order:
            say(f"predicted {_latency(scored[index]):.1f} ms, measured {times[index]:.1f} ms: misses {limit:g} ms")
        if last:
            break
        left = [index for index in left if index not in times]
        slower = max(1.0, median(times[index] / _latency(scored[index]) for index in times))
        at_a_time = _AT_A_TIME
    raise HnasError(
        f"max_latency is {limit:g} ms, and the quickest of {len(times)} finalists that were measured whole took "
        f"{min(times.values()):.1f} ms ({machine.words}); raise max_latency (hnas derive does so without another "
        "search), or make networks or lr_size smaller"
    )


def _latency(one: Scored) -> float:
    assert one.cost.latency is not None  # of a search with a limit of latency, which has predictions
    return one.cost.latency


def _with_times(scored: Sequence[Scored], order: Sequence[int], family: Family, machine: Machine) -> list[Scored]:
    """The same, with milliseconds measured of those that the order names."""
    names = {scored[index].genotype.to_json(): index for index in order}
    graphs = {
        name: graph_of(family.target(scored[index].genotype).eval(), machine.backend, machine.device)
        for name, index in names.items()
    }
    times = measure_whole(list(graphs), Stopwatch(machine, graphs).turn, seconds=_SECONDS) if graphs else {}
    result = list(scored)
    for name, found in times.items():
        one = scored[names[name]]
        cost = replace(one.cost, latency=found, measured=True, predicted=one.cost.latency)
        result[names[name]] = replace(one, cost=cost)
    return result
