"""What a genotype is worth: the paper's joint reward of quality and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atan, hypot, tan
from statistics import stdev
from typing import Any

from hnas.searching.candidate_cost import CandidateCost
from hnas.space import Genotype, parse_genotype, read_genotype


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
        slopes: for every decision of the space the derivative of the PSNR by a factor on what was chosen, dB
            (:class:`hnas.searching.evaluators.Differentiable`); none where the strategy does not ask for them.
    """

    genotype: Genotype
    psnr: float
    gain: float
    cost: CandidateCost
    reward: Reward
    slopes: tuple[float, ...] = ()

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> Scored:
        """The inverse of :meth:`line`, to rounding.

        Raises:
            HnasError, KeyError, TypeError: it is no such line.
        """
        psnr, relative = line["psnr"], line["cost"]
        measured, predicted = line.get("latency_measured", False), line.get("predicted_ms")
        cost = CandidateCost(line["macs"], line["params"], line.get("latency_ms"), relative, measured, predicted)
        lam = (line["reward"] + relative) / (psnr + relative)
        return cls(read_genotype(line["genotype"]), psnr, line["gain"], cost, joint_reward(psnr, relative, lam))

    def reward_at(self, lam: float) -> Reward:
        """Eq. 1 with another lambda."""
        return joint_reward(self.psnr, self.cost.relative, lam)

    @property
    def worth(self) -> float:
        """The reward with the gain in place of PSNR: comparable between batches."""
        return self.reward.psnr_term * self.gain / self.psnr - self.reward.cost_term

    def line(self, **more: Any) -> dict[str, Any]:
        """A line of candidates.jsonl."""
        latency = {} if self.cost.latency is None else {"latency_ms": self.cost.latency}
        if self.cost.measured:
            latency["latency_measured"] = True
            latency |= {} if self.cost.predicted is None else {"predicted_ms": self.cost.predicted}
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


@dataclass(frozen=True)
class Known:
    """What a strategy remembers of a genotype: enough for its reward at any lambda.

    Attributes:
        gain: PSNR over bicubic interpolation, dB, so that scores on other pictures compare.
        cost: relative to the reference.
    """

    genotype: Genotype
    gain: float
    cost: float

    @classmethod
    def of(cls, scored: Scored) -> Known:
        """The part of the scores that does not depend on lambda."""
        return cls(scored.genotype, scored.gain, scored.cost.relative)

    @classmethod
    def from_state(cls, state: tuple[str, float, float]) -> Known:
        """The inverse of :meth:`state`."""
        text, gain, cost = state
        return cls(parse_genotype(text), gain, cost)

    def state(self) -> tuple[str, float, float]:
        """Plain values for a checkpoint."""
        return self.genotype.to_json(), self.gain, self.cost

    def worth(self, lam: float) -> float:
        """The reward with the gain in place of PSNR."""
        return joint_reward(self.gain, self.cost, lam).value


@dataclass(frozen=True)
class Spread:
    """By how much PSNR and cost differ among genotypes that are scored on the same pictures.

    The two are followed apart, because lambda may differ from batch to batch.

    Attributes:
        psnr: standard deviation within a batch, dB, summed over all batches so far.
        cost: the same of the relative cost.
        batches: how many.
    """

    psnr: float = 0.0
    cost: float = 0.0
    batches: int = 0

    def after(self, scored: Sequence[Scored]) -> Spread:
        """With one more batch; one of a single genotype has no spread and does not count."""
        if len(scored) < 2:
            return self
        psnr = self.psnr + stdev(candidate.psnr for candidate in scored)
        cost = self.cost + stdev(candidate.cost.relative for candidate in scored)
        return Spread(psnr, cost, self.batches + 1)

    def of_reward(self, lam: float) -> float:
        """The standard deviation that rewards for this lambda usually have within a batch; 1 if there is none."""
        return hypot(lam * self.psnr, (1.0 - lam) * self.cost) / max(self.batches, 1) or 1.0

    def lam_between(self, low: float, high: float, part: float) -> float:
        """The lambda at a part (0 to 1) of the way from ``low`` to ``high``.

        With both terms in units of their spread, the reward points in a direction between cost alone and PSNR alone;
        the way is even in the angle of that direction. Even steps of lambda itself would spend nearly all of a range
        such as 0.05..0.95 where cost decides everything.
        """
        if low == high:
            return low
        ratio = self.psnr / self.cost if self.psnr and self.cost else 1.0
        first, last = (atan(ratio * lam / (1.0 - lam)) for lam in (low, high))
        odds = tan(first + part * (last - first)) / ratio
        return min(max(odds / (1.0 + odds), low), high)
