"""Strategies by the name that ``--strategy`` takes: the one place that lists the project's, and those that other
packages bring."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hnas.errors import HnasError
from hnas.registry import Registry
from hnas.searching.strategies.kept import KeptStrategy
from hnas.searching.strategies.protocol import Strategy, wants_slopes
from hnas.searching.strategies.settings import (
    ControllerSettings,
    EvolutionSettings,
    NoSettings,
    PolicySettings,
    PopulationSettings,
    RateSettings,
)
from hnas.searching.strategies.task import Task
from hnas.searching.within import Usage

if TYPE_CHECKING:
    from torch import Tensor

    from hnas.nets.counting import ExpectedCost
    from hnas.searching.settings import SearchSettings

#: Makes a strategy of the settings of a search and the usage of its limits; raises HnasError for settings that are
#: not for it.
BuildStrategy = Callable[["SearchSettings", Usage], Strategy]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A strategy of the project; called, it is a :data:`BuildStrategy`.

    Attributes:
        begin: makes one of its own settings and of what the search wants; raises HnasError where these do not go
            together.
        settings: the dataclass of its own settings, whose fields are settings of a search by their names.
        title: what figures call it.
        colour: what they draw it in, such as ``#be123c``.
    """

    begin: Callable[[Any, Task], Strategy]
    settings: type[Any] = NoSettings
    title: str
    colour: str

    def __call__(self, settings: SearchSettings, usage: Usage) -> Strategy:
        own = {field.name: getattr(settings, field.name) for field in fields(self.settings)}
        return self.begin(self.settings(**own), task_of(settings, usage))


def _made_by(module: str, name: str, **fixed: Any) -> Callable[[Any, Task], Strategy]:
    """A class of this package, imported when it is needed: some learn with torch, which help does without."""

    def begin(own: Any, task: Task) -> Strategy:
        found = getattr(import_module(f"hnas.searching.strategies.{module}"), name)
        made: Strategy = found(own, task, **fixed)
        return made

    return begin


#: Those of the project by the name that ``--strategy`` takes, in the order of messages and figures.
OWN: Mapping[str, Entry] = {
    "controller": Entry(
        begin=_made_by("reinforce", "ControllerStrategy"),
        settings=ControllerSettings,
        title="controller",
        colour="#be123c",
    ),
    "controller-flat": Entry(
        begin=_made_by("reinforce", "ControllerStrategy", hierarchical=False),
        settings=ControllerSettings,
        title="controller, position uniform",
        colour="#e08a3c",
    ),
    "random": Entry(begin=_made_by("uniform", "RandomStrategy"), title="uniform sampling", colour="#64748b"),
    "evolution": Entry(
        begin=_made_by("evolution", "EvolutionStrategy"),
        settings=EvolutionSettings,
        title="evolution",
        colour="#2f6fd0",
    ),
    "enas": Entry(begin=_made_by("enas", "EnasStrategy"), settings=PolicySettings, title="ENAS", colour="#a16207"),
    "nas-rl": Entry(begin=_made_by("enas", "NasRlStrategy"), settings=PolicySettings, title="NAS-RL", colour="#78350f"),
    "ppo": Entry(begin=_made_by("ppo", "PpoStrategy"), settings=PolicySettings, title="PPO", colour="#db2777"),
    "nsga2": Entry(
        begin=_made_by("nsga2", "Nsga2Strategy"), settings=PopulationSettings, title="NSGA-II", colour="#0e7490"
    ),
    "local-search": Entry(
        begin=_made_by("local_search", "LocalSearchStrategy"),
        settings=PopulationSettings,
        title="local search",
        colour="#15803d",
    ),
    "darts": Entry(
        begin=_made_by("darts", "DartsStrategy"), settings=RateSettings, title="DARTS, single path", colour="#1f2937"
    ),
    "optuna:tpe": Entry(begin=_made_by("from_optuna", "OptunaStrategy"), title="TPE (Optuna)", colour="#7c3aed"),
}


STRATEGIES: Registry[BuildStrategy] = Registry("strategy", "hnas.strategies", OWN, kind=Callable)


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
    """Adds one strategy as it is, for this process; a search keeps what it proposes within the limits.

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
    register_strategy(name, lambda settings, usage: KeptStrategy(strategy, settings.search_space, usage))
    return name


def refuse_unknown(what: str, *names: str) -> None:
    """Raises :class:`HnasError` where there is no strategy of a name.

    Args:
        what: begins the message: the setting that holds the names.
        names: of strategies.
    """
    for name in names:
        if name not in STRATEGIES:
            raise HnasError(f"{what} {name!r}; allowed are {', '.join(STRATEGIES)}")


def build_strategy(settings: SearchSettings, usage: Usage) -> Strategy:
    """The strategy that the settings name, at its start.

    Args:
        settings: of the search.
        usage: of its limits.

    Raises:
        HnasError: these settings are not for it, or the package that brings it is broken.
    """
    strategy = STRATEGIES[settings.strategy](settings, usage)
    if wants_slopes(strategy) and settings.scorer != "shared":
        raise HnasError(
            f"strategy {settings.strategy} learns from the gradient of scores by shared weights; training alone "
            "(scorer short), or a table of that, has none: set scorer to shared, or leave the strategy out"
        )
    return strategy


def task_of(settings: SearchSettings, usage: Usage) -> Task:
    """What a search with these settings wants of its strategy."""
    return Task(
        name=settings.strategy,
        space=settings.search_space,
        usage=usage,
        lam_range=settings.lam_range,
        samples=settings.samples,
        updates=settings.updates,
        cost=settings.cost,
        expected_cost=partial(_expected_cost, settings),
        alone=settings.scorer == "short",
        seed=settings.seed,
    )


def _expected_cost(settings: SearchSettings, probabilities: Sequence[Tensor]) -> ExpectedCost:
    from hnas.nets import family_of  # brings torch, which help does without

    return family_of(settings.space, settings).expected_cost(settings.search_space, probabilities, settings.lr_shape)
