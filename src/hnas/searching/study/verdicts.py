"""What a study's figures say: who is ahead of chance by more than the seeds differ, and whether scores rank at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

#: Tau 0.3 orders 65 % of all pairs right; chance orders 50 %.
LOW_TAU = 0.3
#: Mean and spread, and what every seed has.
Figures = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class Verdict:
    """A strategy beside uniform sampling.

    Attributes:
        difference: of the means; above 0 it is ahead.
        spread: the larger of the two.
        wins: seeds in which it is ahead.
        seeds: how many there are.
    """

    difference: float
    spread: float
    wins: int
    seeds: int

    @property
    def outcome(self) -> Literal["draw", "better", "worse"]:
        """A lead counts when it is more than the spread."""
        if abs(self.difference) <= self.spread:
            return "draw"
        return "better" if self.difference > 0 else "worse"


@dataclass(frozen=True)
class Scores:
    """What scores tell genotypes apart by.

    Attributes:
        gain: of random genotypes over bicubic interpolation, dB, mean.
        spread: standard deviation of the same, dB, mean over the seeds.
        believable: whether they rank as longer training alone does; None where that was not found out.
    """

    gain: float
    spread: float
    believable: bool | None


def verdict(figures: Figures, chance: Figures) -> Verdict:
    """A strategy's mean, spread and seeds beside those of uniform sampling, seed by seed."""
    (mean, spread), per_seed = figures
    (chance_mean, chance_spread), chance_per_seed = chance
    wins = sum(mine > other for mine, other in zip(per_seed, chance_per_seed, strict=True))
    return Verdict(mean - chance_mean, max(spread, chance_spread), wins, len(per_seed))


def judge_scores(study: Mapping[str, Any]) -> Scores:
    """The scores of a study, as ``study.json`` holds it."""
    gain, spread = (fmean(one[name] for one in study["scores"]) for name in ("gain", "spread"))
    return Scores(gain, spread, fmean(study["tau"]) >= LOW_TAU if study["tau"] else None)
