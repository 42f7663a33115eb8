"""What the search asks of a strategy: genotypes to score, and to learn from their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Protocol

from hnas.searching.reward import Scored, Spread
from hnas.space import Genotype


class Strategy(Protocol):
    """Proposes genotypes and learns from their scores. All randomness comes in, so there is none to save.

    One of the registry is told the limits (:class:`~hnas.searching.strategies.task.Task`); one that is handed to a
    search as an object need not know them, and the search asks it again for what is outside.
    """

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """``count`` genotypes within the limits.

        Raises:
            HnasError: none was found within the limits.
        """

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """Learns from what it asked for last; returns named numbers for the log.

        Args:
            scored: all of one batch.
            lam: of their rewards.
            spread: what scores usually have within a batch.
        """

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """Up to ``count`` different genotypes within the limits to choose the best from, once the search is over."""

    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`load_state_dict` needs to go on as if nothing had happened."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""


def wants_slopes(strategy: Strategy) -> bool:
    """Whether a strategy learns from gradients: it says so by an attribute ``wants_slopes`` that is true.

    What it is told then has :attr:`~hnas.searching.reward.Scored.slopes`, which shared weights alone can give.
    """
    return bool(getattr(strategy, "wants_slopes", False))
