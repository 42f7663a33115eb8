"""What a genotype is worth: the paper's joint reward of quality and cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hnas.searching.costs import CandidateCost
from hnas.space import Genotype


@dataclass(frozen=True)
class Reward:
    """Eq. 1: R = lambda * PSNR - (1 - lambda) * Cost, with both terms kept apart for the log.

    Attributes:
        psnr_term: lambda times PSNR, dB.
        cost_term: (1 - lambda) times cost, where cost 1 is the stated reference.
    """

    psnr_term: float
    cost_term: float

    @property
    def value(self) -> float:
        """The reward R."""
        return self.psnr_term - self.cost_term


def joint_reward(psnr: float, cost: float, lam: float) -> Reward:
    """The reward of a genotype.

    Args:
        psnr: dB.
        cost: MACs, parameters or latency, divided by the reference, so that lambda means the same at every size.
        lam: weight of PSNR, between 0 and 1.
    """
    return Reward(lam * psnr, (1.0 - lam) * cost)


@dataclass(frozen=True)
class Scored:
    """A genotype with its scores.

    Attributes:
        psnr: dB on the pictures at hand.
        gain: the same less what bicubic interpolation reaches on these pictures, so that most of the content cancels.
        cost: at the target size.
        reward: eq. 1 with the lambda at hand.
    """

    genotype: Genotype
    psnr: float
    gain: float
    cost: CandidateCost
    reward: Reward

    @property
    def worth(self) -> float:
        """The reward with the gain in place of PSNR: comparable between batches."""
        return self.reward.psnr_term * self.gain / self.psnr - self.reward.cost_term

    def line(self, **more: Any) -> dict[str, Any]:
        """A line of candidates.jsonl."""
        latency = {} if self.cost.latency is None else {"latency_ms": self.cost.latency}
        return {
            **more,
            "genotype": self.genotype.to_dict(),
            "psnr": self.psnr,
            "gain": self.gain,
            "macs": self.cost.macs,
            "params": self.cost.params,
            **latency,
            "cost": self.cost.relative,
            "reward": self.reward.value,
            "worth": self.worth,
        }
