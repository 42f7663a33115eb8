"""A strategy that knows no limits, kept within those of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hnas.searching.reward import Scored, Spread
from hnas.searching.strategies.protocol import Strategy, wants_slopes
from hnas.searching.within import Usage, draw_within
from hnas.space import Genotype, Space


@dataclass(frozen=True)
class KeptStrategy:
    """A :class:`Strategy` within limits: for what is outside, the other one is asked again, or it is made to fit.

    Attributes:
        strategy: the other one.
        space: that it proposes from.
        usage: of the limits.
    """

    strategy: Strategy
    space: Space
    usage: Usage

    @property
    def wants_slopes(self) -> bool:
        """Whether the other one does."""
        return wants_slopes(self.strategy)

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`."""

        def sample(many: int) -> Sequence[Genotype]:
            return self.strategy.ask(many, lam=lam, random=random)

        return draw_within(count, sample, self.usage, space=self.space, random=random)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """See :class:`Strategy`."""
        return self.strategy.tell(scored, lam=lam, spread=spread)

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """Those of the other one that are within the limits; where none is, what :meth:`ask` gives."""
        found = self.strategy.finalists(count, lam=lam, random=random)
        within = [genotype for genotype in found if self.usage(genotype) <= 1.0]
        return within or list(dict.fromkeys(self.ask(count, lam=lam, random=random)))

    def state_dict(self) -> dict[str, Any]:
        """That of the other one."""
        return self.strategy.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self.strategy.load_state_dict(state)
