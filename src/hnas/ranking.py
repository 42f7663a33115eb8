"""Which are best: the front of two measures, and whether two measures rank alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import isnan
from typing import TypeVar

T = TypeVar("T")


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float:
    """Kendall's rank correlation (tau-b), -1 to 1; 0 where one of the two ranks nothing, all its values being equal."""
    from scipy.stats import kendalltau

    tau = float(kendalltau(first, second).statistic)
    return 0.0 if isnan(tau) else tau


def front(found: Iterable[T], *, cost: Callable[[T], float], quality: Callable[[T], float]) -> list[T]:
    """The Pareto front: those whose quality nothing of the same or less cost reaches, cheapest first.

    Of several with the same cost and quality the first one stands for all.
    """
    best: list[T] = []
    for one in sorted(found, key=lambda one: (cost(one), -quality(one))):
        if not best or quality(one) > quality(best[-1]):
            best.append(one)
    return best
