"""Each part is found by its name, and keeps what hnas promises of all parts of its kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hnas.conformance import DEGRADATION_PROMISES, MODEL_PROMISES, OPERATION_PROMISES, STRATEGY_PROMISES


@pytest.mark.parametrize("promise", OPERATION_PROMISES)
def test_the_operation(promise: Callable[[str], None]) -> None:
    promise("large_depthwise")


@pytest.mark.parametrize("promise", STRATEGY_PROMISES)
def test_the_strategy(promise: Callable[[str], None]) -> None:
    promise("hill-climb")


@pytest.mark.parametrize("promise", MODEL_PROMISES)
def test_the_network(promise: Callable[[str], None]) -> None:
    promise("tiny-residual")


@pytest.mark.parametrize("promise", DEGRADATION_PROMISES)
def test_the_degradation(promise: Callable[[str], None]) -> None:
    promise("posterize")
