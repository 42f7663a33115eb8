"""What the log says of a round: means over its genotypes and its updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from hnas.searching.reward import Scored


def means(scored: Sequence[Scored]) -> dict[str, float]:
    """Both terms of the reward, scores and costs, means over one or more genotypes."""
    return {
        "reward": fmean(candidate.reward.value for candidate in scored),
        "reward_psnr": fmean(candidate.reward.psnr_term for candidate in scored),
        "reward_cost": fmean(candidate.reward.cost_term for candidate in scored),
        "psnr": fmean(candidate.psnr for candidate in scored),
        "worth": fmean(candidate.worth for candidate in scored),
        "gain": fmean(candidate.gain for candidate in scored),
        "macs": fmean(candidate.cost.macs for candidate in scored),
        "cost": fmean(candidate.cost.relative for candidate in scored),
    }


def mean_numbers(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means of what one or more updates reported, name by name."""
    found: dict[str, Any] = {}
    for name, value in lines[0].items():
        values = [line[name] for line in lines]
        found[name] = mean_numbers(values) if isinstance(value, Mapping) else fmean(values)
    return found
