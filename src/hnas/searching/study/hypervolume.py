"""How much of gain and cost a front covers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hnas import ranking

#: Gain and cost that a hypervolume reaches to: no gain at twice the mean cost of the space.
WORST = (0.0, 2.0)


def counted(points: Sequence[tuple[float, float]], *, worst: tuple[float, float] = WORST) -> list[tuple[float, float]]:
    """Those that no other beats and that cost less than the worst point, cheapest first.

    Args:
        points: gain in dB (larger is better) and cost (smaller is better).
        worst: the corner.
    """
    front = ranking.front(points, cost=lambda point: point[1], quality=lambda point: point[0])
    return [(gain, cost) for gain, cost in front if cost < worst[1]]


def hypervolume(points: Sequence[tuple[float, float]], *, worst: tuple[float, float] = WORST) -> float:
    """The area in (gain, cost) that points dominate up to the worst point: larger is better.

    Args:
        points: gain in dB (larger is better) and cost (smaller is better).
        worst: the corner.
    """
    better = [point for point in counted(points, worst=worst) if point[0] > worst[0]]
    steps = pairwise([worst[0], *(gain for gain, _ in better)])
    return sum((gain - below) * (worst[1] - cost) for (below, gain), (_, cost) in zip(steps, better, strict=True))
