"""Paired comparison of two strategies over the same seeds: by how much, how sure, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Resamples of the interval, and flips of the test.
_RESAMPLES = 9999


@dataclass(frozen=True)
class Paired:
    """First minus second, seed by seed.

    Attributes:
        mean: of the differences.
        low, high: between which the mean lies at 95 % (percentiles of a bootstrap over the seeds).
        p: how often the mean is as far from 0 where every difference has either sign with equal chance (a two-sided
            sign-flip permutation test; Good, Permutation Tests, 2000).
        wins, losses, ties: seeds in which the first is larger, smaller, or the same.
    """

    mean: float
    low: float
    high: float
    p: float
    wins: int
    losses: int
    ties: int


def paired(first: Sequence[float], second: Sequence[float]) -> Paired:
    """Compares what two strategies have reached.

    Args:
        first: a figure for every seed.
        second: those of the other strategy, in the same order.
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    random, count = np.random.default_rng(0), len(differences)
    means = differences[random.integers(count, size=(_RESAMPLES, count))].mean(1)
    low, high = np.percentile(means, (2.5, 97.5))
    flipped = np.abs((random.choice((-1.0, 1.0), size=(_RESAMPLES, count)) * differences).mean(1))
    mean = float(differences.mean())
    # The differences as they are count among the flips; equal sums may differ in their last bits.
    as_far = int((flipped >= abs(mean) * (1.0 - 1e-9)).sum())
    p = (as_far + 1) / (_RESAMPLES + 1)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    return Paired(mean, float(low), float(high), p, wins, losses, count - wins - losses)


def holm(p_values: Sequence[float]) -> list[float]:
    """P values corrected for their number, in their order (Holm, A Simple Sequentially Rejective Multiple Test
    Procedure, Scandinavian Journal of Statistics 1979)."""
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
