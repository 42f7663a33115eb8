"""Where a search has its strategy from: the one that its settings name, or an object that was handed to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from hnas.searching.reward import Scored, Spread
from hnas.searching.strategies.protocol import Strategy
from hnas.searching.strategies.registry import build_strategy
from hnas.searching.within import Usage, draw_within
from hnas.space import Genotype, Space

if TYPE_CHECKING:
    from hnas.searching.settings import SearchSettings


@dataclass(frozen=True)
class Proposer:
    """What proposes genotypes.

    Attributes:
        name: in settings and logs.
        within: the strategy for limits, whose usage is given.
    """

    name: str
    within: Callable[[Usage], Strategy]


def named(settings: SearchSettings) -> Proposer:
    """The strategy that the settings name.

    Raises:
        HnasError: these settings are not for it.
    """
    build_strategy(settings, lambda genotype: 0.0)
    return Proposer(settings.strategy, lambda usage: build_strategy(settings, usage))


def handed_in(strategy: Strategy, space: Space) -> Proposer:
    """A strategy that was made outside; the search sees to its limits.

    Args:
        strategy: at its start.
        space: that it proposes from.
    """
    kind = type(strategy)
    return Proposer(f"{kind.__module__}:{kind.__qualname__}", lambda usage: _Kept(strategy, space, usage))


@dataclass(frozen=True)
class _Kept:
    """A strategy that knows no limits, kept within them: what is outside is asked for again, or made to fit."""

    strategy: Strategy
    space: Space
    usage: Usage

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        def sample(many: int) -> Sequence[Genotype]:
            return self.strategy.ask(many, lam=lam, random=random)

        return draw_within(count, sample, self.usage, space=self.space, random=random)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        return self.strategy.tell(scored, lam=lam, spread=spread)

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        found = self.strategy.finalists(count, lam=lam, random=random)
        within = [genotype for genotype in found if self.usage(genotype) <= 1.0]
        return within or list(dict.fromkeys(self.ask(count, lam=lam, random=random)))

    def state_dict(self) -> dict[str, Any]:
        return self.strategy.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.strategy.load_state_dict(state)
