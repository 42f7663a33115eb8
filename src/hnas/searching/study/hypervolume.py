"""How much of gain and cost a front covers."""

from __future__ import annotations

from collections.abc import Sequence

#: Gain and cost that a hypervolume reaches to: no gain at twice the mean cost of the space.
WORST = (0.0, 2.0)


def hypervolume(points: Sequence[tuple[float, float]], *, worst: tuple[float, float] = WORST) -> float:
    """The area in (gain, cost) that points dominate up to the worst point: larger is better.

    Args:
        points: gain in dB (larger is better) and cost (smaller is better).
        worst: the corner.
    """
    area, best_gain = 0.0, worst[0]
    for gain, cost in sorted(points, key=lambda point: (point[1], -point[0])):
        if gain > best_gain and cost < worst[1]:
            area += (gain - best_gain) * (worst[1] - cost)
            best_gain = gain
    return area
