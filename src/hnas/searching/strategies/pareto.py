"""Who beats whom where there are several aims."""

from __future__ import annotations

from collections.abc import Sequence


def pareto_ranks(points: Sequence[tuple[float, ...]]) -> list[int]:
    """The front that each point is on (0: no other point is at least as good in all and better in one; then 1, ...).

    Args:
        points: larger is better in every coordinate.
    """
    ranks = [0] * len(points)
    left = set(range(len(points)))
    rank = 0
    while left:
        front = {i for i in left if not any(_dominates(points[j], points[i]) for j in left)}
        for index in front:
            ranks[index] = rank
        left -= front
        rank += 1
    return ranks


def _dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))


def crowding(points: Sequence[tuple[float, ...]]) -> list[float]:
    """How far from its neighbours each point of one front is (Deb et al., 2002, III-B): the more, the better kept.

    The sum over all coordinates of the distance between the two neighbours, divided by the range of the front;
    infinite for the ends.
    """
    distance = [0.0] * len(points)
    for values in zip(*points, strict=True):
        order = sorted(range(len(points)), key=lambda index: values[index])
        extent = values[order[-1]] - values[order[0]]
        distance[order[0]] = distance[order[-1]] = float("inf")
        for below, index, above in zip(order, order[1:], order[2:], strict=False):
            distance[index] += (values[above] - values[below]) / (extent or 1.0)
    return distance
