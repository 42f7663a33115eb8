"""Do two measures rank alike?"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float:
    """Kendall's rank correlation (tau-b), -1 to 1; 0 where one of the two ranks nothing, all its values being equal."""
    from scipy.stats import kendalltau

    tau = float(kendalltau(first, second).statistic)
    return 0.0 if isnan(tau) else tau
