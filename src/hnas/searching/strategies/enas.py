"""Policy gradient as it was before HNAS: one genotype an update, compared with a moving average of the rewards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from hnas.errors import HnasError
from hnas.searching.reward import Scored, Spread
from hnas.searching.strategies.reinforce import ControllerStrategy
from hnas.searching.strategies.settings import ControllerSettings, PolicySettings
from hnas.searching.strategies.task import Task


class EnasStrategy(ControllerStrategy):
    """REINFORCE of ENAS (Pham et al., Efficient Neural Architecture Search via Parameter Sharing, ICML 2018).

    An update is one genotype and its reward less the moving average of those before; what the network level decides is
    drawn uniformly. The ``samples`` of one batch are so many updates, all of them drawn before the first: with
    ``samples`` 1 that is the published order. Rate, weight of the entropy, hidden units and decay of the average are
    those of the settings, so that strategies differ in what they do (published: rate 3.5e-4, entropy weight 1e-4).

    Raises:
        HnasError: a range of lambda.
    """

    def __init__(self, own: PolicySettings, task: Task) -> None:
        task.refuse_range()
        each = replace(task, updates=task.updates * task.samples)
        super().__init__(ControllerSettings(**vars(own), baseline="ema"), each, hierarchical=False)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """An update for each; logs their mean entropies per head, the last baseline and learning rate."""
        told = []
        for one in scored:
            told.append(super().tell([one], lam=lam, spread=spread))
        entropy = {head: fmean(each["entropy"][head] for each in told) for head in told[0]["entropy"]}
        return {**told[-1], "entropy": entropy}


class NasRlStrategy(EnasStrategy):
    """Zoph and Le (Neural Architecture Search with Reinforcement Learning, ICLR 2017): the reward is that of training
    each genotype alone, and the entropy is given no weight.

    Raises:
        HnasError: genotypes are scored by shared weights, or a range of lambda.
    """

    def __init__(self, own: PolicySettings, task: Task) -> None:
        if not task.alone:
            raise HnasError(
                f"strategy {task.name} trains each genotype alone, and scorer is shared; set scorer to short, "
                "or strategy to enas, which is the same by shared weights"
            )
        super().__init__(replace(own, entropy_weight=0.0), task)
