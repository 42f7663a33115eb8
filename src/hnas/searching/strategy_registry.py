"""Strategies by the name that ``--strategy`` takes: the project's, and those that other packages bring."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from hnas.errors import HnasError
from hnas.registry import Registry

if TYPE_CHECKING:
    from hnas.searching.settings import SearchSettings
    from hnas.searching.strategies.protocol import Strategy
    from hnas.searching.within import Usage

#: Makes a strategy of the settings of a search and the usage of its limits; raises HnasError for settings that are
#: not for it.
BuildStrategy = Callable[["SearchSettings", "Usage"], "Strategy"]

_HERE = "hnas.searching.strategies"
STRATEGIES: Registry[BuildStrategy] = Registry(
    "strategy",
    "hnas.strategies",
    kind=Callable,
    later={
        "controller": f"{_HERE}.reinforce:ControllerStrategy",
        "controller-flat": f"{_HERE}.reinforce:flat_controller",
        "random": f"{_HERE}.uniform:RandomStrategy",
        "evolution": f"{_HERE}.evolution:EvolutionStrategy",
        "enas": f"{_HERE}.enas:EnasStrategy",
        "nas-rl": f"{_HERE}.enas:NasRlStrategy",
        "ppo": f"{_HERE}.ppo:PpoStrategy",
        "nsga2": f"{_HERE}.nsga2:Nsga2Strategy",
        "local-search": f"{_HERE}.local_search:LocalSearchStrategy",
        "optuna:tpe": f"{_HERE}.from_optuna:OptunaStrategy",
    },
)


def register_strategy(name: str, build: BuildStrategy) -> None:
    """Adds a strategy, for this process: ``--strategy NAME``, a setting of that name, and studies take it.

    A package adds one for every process by an entry point of the group ``hnas.strategies``.

    Args:
        name: small letters, digits, ``_`` and ``-``.
        build: such as a class; makes one :class:`hnas.searching.strategies.protocol.Strategy` for a search, of its
            :class:`hnas.SearchSettings` and of a function that says how much of its limits a genotype uses (above 1:
            outside).

    Raises:
        HnasError: a name that is taken or none, or nothing that can be called.
    """
    STRATEGIES.register(name, build)


def register_object(strategy: Strategy) -> str:
    """Adds one strategy as it is, for this process.

    Returns:
        Its name, made of its class's: one of ``HillClimb`` is ``hill-climb-object``.

    Raises:
        HnasError: the name is taken, or this is a class.
    """
    if isinstance(strategy, type):
        raise HnasError(
            f"strategy is the class {strategy.__name__}; an object is needed, or the name that "
            "hnas.register_strategy gives the class"
        )
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(strategy).__name__.strip("_")).lower() + "-object"
    register_strategy(name, lambda settings, usage: strategy)
    return name


def refuse_unknown(what: str, *names: str) -> None:
    """Raises :class:`HnasError` where there is no strategy of a name.

    Args:
        what: begins the message: the setting that holds the names.
    """
    for name in names:
        if name not in STRATEGIES:
            raise HnasError(f"{what} {name!r}; allowed are {', '.join(STRATEGIES)}")


def build_strategy(settings: SearchSettings, usage: Usage) -> Strategy:
    """The strategy that the settings name.

    Raises:
        HnasError: these settings are not for it, or the package that brings it is broken.
    """
    return STRATEGIES[settings.strategy](settings, usage)
