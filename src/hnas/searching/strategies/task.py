"""What a search wants of its strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hnas.errors import HnasError
from hnas.searching.within import Usage
from hnas.space import Space

if TYPE_CHECKING:
    from torch import Tensor

    from hnas.nets.counting import ExpectedCost


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a search wants of its strategy.

    Attributes:
        name: that the strategy goes by, for messages.
        space: the genotypes to choose from.
        usage: how much of the hard limits a genotype uses; at most 1 is within.
        lam_range: smallest and largest lambda; equal where one is searched for.
        samples: genotypes that are asked for, scored on one batch and told at a time.
        updates: how often that is, in all.
        cost: what the reward counts: macs, params or latency.
        expected_cost: what genotypes cost on average whose decisions are drawn from these probabilities
            (:meth:`hnas.nets.Family.expected_cost`).
        alone: whether every genotype is trained alone; else shared weights score it.
        seed: of what a strategy draws before it is first asked.
    """

    name: str
    space: Space
    usage: Usage
    lam_range: tuple[float, float]
    samples: int
    updates: int
    cost: str
    expected_cost: Callable[[Sequence[Tensor]], ExpectedCost]
    alone: bool
    seed: int

    @property
    def conditional(self) -> bool:
        """Whether lambda is a range."""
        return self.lam_range[0] < self.lam_range[1]

    def refuse_range(self) -> None:
        """For strategies whose state is about one lambda.

        Raises:
            HnasError: a range is searched for.
        """
        if self.conditional:
            low, high = self.lam_range
            raise HnasError(f"lam is {low:g}..{high:g}; strategy {self.name} needs one lambda, such as 0.9")
