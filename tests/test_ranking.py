from __future__ import annotations

import pytest

from hnas.ranking import kendall_tau


def test_kendalls_tau_of_ranks() -> None:
    """Of the six pairs, five are in the same order and one is not."""
    assert kendall_tau([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx((5 - 1) / 6)


def test_equal_values_rank_nothing() -> None:
    assert kendall_tau([1, 1, 1], [1, 2, 3]) == 0.0
