"""Strategies by the name that ``--strategy`` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from hnas.searching.settings import SearchSettings, StrategyName
from hnas.searching.strategies.evolution import EvolutionStrategy
from hnas.searching.strategies.protocol import Strategy
from hnas.searching.strategies.reinforce import ControllerStrategy
from hnas.searching.strategies.uniform import RandomStrategy
from hnas.searching.within import Usage

_BUILT_BY: Mapping[StrategyName, Callable[[SearchSettings, Usage], Strategy]] = {
    "controller": ControllerStrategy,
    "controller-flat": partial(ControllerStrategy, hierarchical=False),
    "random": RandomStrategy,
    "evolution": EvolutionStrategy,
}


def build_strategy(settings: SearchSettings, usage: Usage) -> Strategy:
    """The strategy that the settings name.

    Raises:
        HnasError: these settings are not for it.
    """
    return _BUILT_BY[settings.strategy](settings, usage)
