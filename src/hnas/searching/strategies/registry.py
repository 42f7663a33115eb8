"""Strategies by the name that ``--strategy`` takes: the one place that lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hnas.errors import HnasError
from hnas.registry import Registry
from hnas.searching.strategies.protocol import Strategy
from hnas.searching.strategies.settings import (
    ControllerSettings,
    EvolutionSettings,
    NoSettings,
    PolicySettings,
    PopulationSettings,
)
from hnas.searching.strategies.task import Task
from hnas.searching.within import Usage

if TYPE_CHECKING:
    from hnas.searching.settings import SearchSettings


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A strategy that people can name.

    Attributes:
        begin: makes one of its own settings and of what the search wants; raises HnasError where these do not go
            together.
        settings: the dataclass of its own settings, whose fields are settings of a search by their names; one that a
            search does not have keeps its default.
        title: what figures call it.
        colour: what they draw it in, such as ``#be123c``.
    """

    begin: Callable[[Any, Task], Strategy]
    settings: type[Any] = NoSettings
    title: str
    colour: str


def _made_by(module: str, name: str, **fixed: Any) -> Callable[[Any, Task], Strategy]:
    """A class of this package, imported when it is needed: some learn with torch, which help does without."""

    def begin(own: Any, task: Task) -> Strategy:
        found = getattr(import_module(f"hnas.searching.strategies.{module}"), name)
        made: Strategy = found(own, task, **fixed)
        return made

    return begin


#: By the name that ``--strategy`` takes, in the order of help and figures.
_OWN: Mapping[str, Entry] = {
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
    "optuna:tpe": Entry(begin=_made_by("from_optuna", "OptunaStrategy"), title="TPE (Optuna)", colour="#7c3aed"),
}


#: And those of other packages.
STRATEGIES: Registry[Entry] = Registry("strategy", "hnas.strategies", _OWN, kind=Entry)


def register_strategy(name: str, entry: Entry) -> None:
    """Adds a strategy, for this process: searches and studies take it by its name.

    A package adds one for every process by an entry point of the group ``hnas.strategies``.

    Args:
        name: small letters, digits, ``_`` and ``-``.
        entry: all that is known of it.

    Raises:
        HnasError: a name that is taken or none, or no :class:`Entry`.
    """
    STRATEGIES.register(name, entry)


def refuse_unknown(what: str, *names: str) -> None:
    """Each of these must be the name of a strategy, and there must be one.

    Args:
        what: begins the message, such as "strategy is".
        names: of strategies.

    Raises:
        HnasError: otherwise.
    """
    if not names or not all(name in STRATEGIES for name in names):
        raise HnasError(f"{what} {', '.join(map(str, names))}; allowed are {', '.join(STRATEGIES)}")


def build_strategy(settings: SearchSettings, usage: Usage) -> Strategy:
    """The strategy that the settings name, at its start.

    Args:
        settings: of the search.
        usage: of its limits.

    Raises:
        HnasError: these settings are not for it, or the package that brings it is broken.
    """
    entry = STRATEGIES[settings.strategy]
    named = [field.name for field in fields(entry.settings) if hasattr(settings, field.name)]
    own = entry.settings(**{name: getattr(settings, name) for name in named})
    return entry.begin(own, task_of(settings, usage))


def task_of(settings: SearchSettings, usage: Usage) -> Task:
    """What a search with these settings wants of its strategy."""
    return Task(
        name=settings.strategy,
        space=settings.search_space,
        usage=usage,
        lam_range=settings.lam_range,
        samples=settings.samples,
        updates=settings.updates,
        alone=settings.scorer == "short",
        seed=settings.seed,
    )
