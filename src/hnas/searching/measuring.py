"""Milliseconds of finalists, measured on whole networks: a prediction is never what a limit is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from hnas.errors import HnasError
from hnas.nets import family_of, measure_latency, plain_form
from hnas.searching.algorithm import Searcher
from hnas.searching.reward import Scored
from hnas.searching.strategies import pareto_ranks

#: All networks are timed in turn, so often, seconds apart: other work on the machine spoils none of them for good.
_ROUNDS = 5


def measured(searcher: Searcher, scored: Sequence[Scored], limit: float) -> list[Scored]:
    """The same genotypes, with the milliseconds of as many as ``measure`` says.

    Those of the front of PSNR against multiply-adds come first, then those behind it. Their networks run whole, at the
    size and on the device of the search, in the form that is run in the end; the median of several rounds counts.

    Args:
        searcher: its settings say how many, and at which size of picture.
        scored: with what they cost.
        limit: milliseconds that one of them must keep; 0 is none.

    Raises:
        HnasError: none keeps the limit; says what the quickest takes.
    """
    settings = searcher.settings
    ranks = pareto_ranks([(one.psnr, -float(one.cost.macs)) for one in scored])
    order = sorted(range(len(scored)), key=lambda index: (ranks[index], -scored[index].psnr))[: settings.measure]
    family = family_of(settings.space, settings)
    networks = {index: plain_form(family.target(scored[index].genotype)) for index in order}
    times: dict[int, list[float]] = {index: [] for index in order}
    for _ in range(_ROUNDS):
        for index, network in networks.items():
            latency = measure_latency(network, lr_size=settings.lr_shape, device=searcher.fabric.device, repeats=1)
            times[index].append(latency.median_ms)
    milliseconds = {index: median(found) for index, found in times.items()}
    result = list(scored)
    for index, found in milliseconds.items():
        result[index] = replace(scored[index], cost=replace(scored[index].cost, latency=found, measured=True))
    quickest = min(milliseconds.values())
    if limit and quickest > limit:
        raise HnasError(
            f"max_latency is {limit:g} ms, and the quickest of {len(order)} finalists took {quickest:.1f} ms for a "
            f"picture of {settings.lr_size} on this device; raise max_latency, or make networks or lr_size smaller"
        )
    return result
