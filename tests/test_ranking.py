from __future__ import annotations

import pytest

from hnas.ranking import front, kendall_tau


def test_kendalls_tau_of_ranks() -> None:
    """Of the six pairs, five are in the same order and one is not."""
    assert kendall_tau([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx((5 - 1) / 6)


def test_equal_values_rank_nothing() -> None:
    assert kendall_tau([1, 1, 1], [1, 2, 3]) == 0.0


def test_the_front_is_what_nothing_cheaper_reaches() -> None:
    """(cost, quality): b costs less than c and is as good; e is no better than d; f and a are the ends."""
    points = {"a": (1, 1.0), "b": (2, 3.0), "c": (3, 3.0), "d": (4, 5.0), "e": (4, 4.0), "f": (9, 6.0), "g": (8, 2.0)}
    found = front(points, cost=lambda name: points[name][0], quality=lambda name: points[name][1])
    assert found == ["a", "b", "d", "f"]
    assert front([], cost=abs, quality=abs) == []
