"""Benchmarks by name or folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from hnas.data.folders import Pair, find_pictures, find_sets, load_set
from hnas.data.known_sets import locate_set
from hnas.data.sample import held_out_pairs

#: The name of the two held-out photographs that come along.
SAMPLE = "sample"

#: Loads the pairs of a set at a scale.
LoadPairs = Callable[[int], list[Pair]]


def find_benchmarks(benchmarks: Sequence[str]) -> list[tuple[str, LoadPairs]]:
    """The sets that names and folders stand for, each with what loads its pairs.

    Args:
        benchmarks: folders with pictures or with sets, names of known sets, or ``sample``.

    Raises:
        HnasError: no such set or folder, or one without pictures.
    """
    sets: list[tuple[str, LoadPairs]] = []
    for benchmark in benchmarks:
        if benchmark == SAMPLE:
            sets.append((SAMPLE, held_out_pairs))
        else:
            for found in find_sets(locate_set(benchmark)):
                find_pictures(found.hr)  # an empty set is told now, not when the ones before it have been measured
                sets.append((found.name, partial(load_set, found)))
    return sets
