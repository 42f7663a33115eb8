"""Settings of searches against made-up rewards, where the package of the strategy is there."""

from __future__ import annotations

import pytest

from hnas.conformance import rewards
from hnas.searching.settings import SearchSettings


def skip_absent(name: str) -> None:
    """Skips the test where the package of a strategy is not there."""
    if name.startswith("optuna:"):
        pytest.importorskip("optuna", reason="pip install 'hnas-sr[optuna]'")


def settings_of(space: str, name: str, *, updates: int = 4) -> SearchSettings:
    """Of a search by this strategy; skips the test where its package is not there."""
    skip_absent(name)
    return rewards.settings_of(space, name, updates=updates)
