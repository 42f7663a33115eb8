"""Proximal policy optimisation of the controller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hnas.searching.controller import Policy
from hnas.searching.reward import Scored, Spread
from hnas.searching.strategies.reinforce import ControllerStrategy
from hnas.searching.strategies.settings import ControllerSettings, PolicySettings
from hnas.searching.strategies.task import Task

#: By how much an update may gain from making a genotype likelier or rarer (Schulman et al., 2017: 0.2 did best).
_CLIP = 0.2
#: Steps on one and the same batch (Schulman et al., 2017, for Atari).
_EPOCHS = 3


class PpoStrategy(ControllerStrategy):
    """The controller trained as NASNet's was (Zoph et al., Learning Transferable Architectures for Scalable Image
    Recognition, CVPR 2018): by PPO (Schulman et al., Proximal Policy Optimization Algorithms, 2017), several steps on
    every batch up the clipped surrogate, with the rewards less their moving average as advantages.

    All levels are learned. Rate, weight of the entropy and hidden units are those of the settings.

    Raises:
        HnasError: a range of lambda.
    """

    def __init__(self, own: PolicySettings, task: Task) -> None:
        task.refuse_range()
        super().__init__(ControllerSettings(**vars(own), baseline="ema"), task)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """Some steps up the surrogate; logs entropies per head, the baseline and the learning rate."""
        genotypes = [one.genotype for one in scored]
        values, baseline = self.advantages([one.reward.value for one in scored])
        advantages = [value / self._unit(lam, spread) for value in values]
        first = self.controller.evaluate(genotypes)
        policy, before = first, first.log_prob.detach()
        for step in range(_EPOCHS):
            policy = self.controller.evaluate(genotypes) if step else first
            lr = self._step(clipped_loss(policy, before, advantages, self._own.entropy_weight))
        self._updates += 1
        entropy = {head: values.mean().item() for head, values in first.entropies.items()}
        return {"entropy": entropy, "baseline": baseline, "lr_controller": lr}


def clipped_loss(policy: Policy, before: Tensor, advantages: Sequence[float], entropy_weight: float) -> Tensor:
    """Minus the clipped surrogate (eq. 7 of Schulman et al., 2017) and minus the weighted entropy, means over n.

    Args:
        policy: of n genotypes, now.
        before: (n,), their log-probabilities when they were drawn.
        advantages: n.
        entropy_weight: weight of the entropy, nats.
    """
    ratio, advantage = (policy.log_prob - before).exp(), torch.tensor(advantages)
    surrogate = torch.minimum(ratio * advantage, ratio.clamp(1.0 - _CLIP, 1.0 + _CLIP) * advantage)
    return -surrogate.mean() - entropy_weight * policy.entropy.mean()
