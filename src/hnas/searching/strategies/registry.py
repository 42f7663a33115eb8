"""Strategies by the name that ``--strategy`` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from hnas.searching.settings import SearchSettings, StrategyName
from hnas.searching.strategies.enas import EnasStrategy, NasRlStrategy
from hnas.searching.strategies.evolution import EvolutionStrategy
from hnas.searching.strategies.from_optuna import OptunaStrategy
from hnas.searching.strategies.local_search import LocalSearchStrategy
from hnas.searching.strategies.nsga2 import Nsga2Strategy
from hnas.searching.strategies.ppo import PpoStrategy
from hnas.searching.strategies.protocol import Strategy
from hnas.searching.strategies.reinforce import ControllerStrategy
from hnas.searching.strategies.uniform import RandomStrategy
from hnas.searching.within import Usage

_BUILT_BY: Mapping[StrategyName, Callable[[SearchSettings, Usage], Strategy]] = {
    "controller": ControllerStrategy,
    "controller-flat": partial(ControllerStrategy, hierarchical=False),
    "random": RandomStrategy,
    "evolution": EvolutionStrategy,
    "enas": EnasStrategy,
    "nas-rl": NasRlStrategy,
    "ppo": PpoStrategy,
    "nsga2": Nsga2Strategy,
    "local-search": LocalSearchStrategy,
    "optuna:tpe": OptunaStrategy,
}


def build_strategy(settings: SearchSettings, usage: Usage) -> Strategy:
    """The strategy that the settings name.

    Raises:
        HnasError: these settings are not for it.
    """
    return _BUILT_BY[settings.strategy](settings, usage)
