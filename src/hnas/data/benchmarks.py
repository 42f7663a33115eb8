"""Benchmarks by name or folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from hnas.data.degradations import as_degraded, read_degradation
from hnas.data.folders import Pair, PictureSet, find_pictures, find_sets, load_set, with_small
from hnas.data.known_sets import locate_set
from hnas.data.sample import held_out_pairs
from hnas.errors import HnasError

#: The name of the two held-out photographs that come along.
SAMPLE = "sample"
#: Of what a degradation draws, so that every model is measured on the same pictures.
_SEED = 0

#: Loads the pairs of a set at a scale.
LoadPairs = Callable[[int], list[Pair]]


def find_benchmarks(
    benchmarks: Sequence[str], *, lr_data: str | Path | None = None, degradation: str = ""
) -> list[tuple[str, LoadPairs]]:
    """The sets that names and folders stand for, each with what loads its pairs.

    Args:
        benchmarks: folders with pictures or with sets, names of known sets, or ``sample``.
        lr_data: the small pictures of the one set that was named, by :func:`hnas.data.folders.with_small`.
        degradation: what small pictures went through besides, such as ``jpeg:50``
            (:mod:`hnas.data.degradations`); it is put behind the names.

    Raises:
        HnasError: no such set or folder, or one without pictures; several sets for one folder of small pictures; a
            degradation that is not written so.
    """
    read_degradation(degradation)  # whose mistakes come out before pictures are read
    sets: list[tuple[str, LoadPairs]] = []
    for benchmark in benchmarks:
        if benchmark == SAMPLE:
            sets.append((SAMPLE, held_out_pairs))
        else:
            for found in find_sets(locate_set(benchmark)):
                find_pictures(found.hr)  # an empty set is told now, not when the ones before it have been measured
                sets.append((found.name, partial(_load, found, lr_data)))
    if lr_data is not None and (len(sets) > 1 or SAMPLE in benchmarks):
        raise HnasError(
            f"{lr_data} has the small pictures of one set; name that one alone, not {', '.join(benchmarks)}"
        )
    return (
        [(f"{name}, {degradation}", partial(_degraded, load, degradation)) for name, load in sets]
        if degradation
        else sets
    )


def _load(pictures: PictureSet, lr_data: str | Path | None, scale: int) -> list[Pair]:
    return load_set(pictures if lr_data is None else with_small(pictures, lr_data, scale), scale)


def _degraded(load: LoadPairs, degradation: str, scale: int) -> list[Pair]:
    return as_degraded(load(scale), degradation, seed=_SEED)
