"""What can be seen to go wrong in a search, said aloud with the setting that mends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from statistics import fmean, stdev
from typing import Any

from hnas.searching.reward import Scored
from hnas.searching.settings import SearchSettings

#: Below these, the shared weights say nothing about genotypes (dB).
MIN_GAIN = 0.05
MIN_SPREAD = 0.02
#: Weights that start at bicubic interpolation and end so far below it have been trained at too high a rate (dB).
_COME_APART = -0.5
#: Kendall's tau of unrelated ranks of twelve genotypes has a standard deviation of 0.22.
MIN_TAU = 0.2
#: Training alone takes seconds for every genotype, where shared weights take hundredths of one.
_SHORT = "use scorer short with few rounds and controller_steps 1"
#: Part of the largest possible entropy below which a controller has all but decided.
_MIN_ENTROPY = 0.02
_MAX_EQUAL = 0.9
_MAX_IMBALANCE = 100.0
#: So many genotypes are needed to say that they vary too little.
_ENOUGH = 8


def complaints(line: Mapping[str, Any], scored: Sequence[Scored], settings: SearchSettings) -> list[str]:
    """Warnings about one round, a sentence each; none if all is well.

    Args:
        line: the round's line of the log.
        scored: the genotypes of the round.
        settings: of the search.
    """
    found = []
    if "supernet" in line and scored:
        found += _about_supernet(line["supernet"], settings)
    if "entropy" in line:
        share = sum(line["entropy"].values()) / log(settings.search_space.size)
        if share < _MIN_ENTROPY:
            found.append(
                f"the entropy of the {settings.strategy} is {share:.1%} of its maximum: it has all but decided; lower "
                "controller_lr, or raise entropy_weight where the strategy has one, if this is early"
            )
    if len(scored) >= _ENOUGH:
        found += _about_genotypes(scored)
    if len(scored) >= _ENOUGH and settings.samples > 1:
        found += _about_reward(scored, settings.samples)
    return found


def _about_supernet(supernet: Mapping[str, float], settings: SearchSettings) -> list[str]:
    found = []
    starts_at_bicubic = settings.image_skip == "bicubic" and settings.norm == "none"
    if starts_at_bicubic and supernet["gain"] < _COME_APART:
        found.append(
            f"the shared weights are {-supernet['gain']:.1f} dB below bicubic interpolation, where they began: their "
            "training has come apart; lower lr"
        )
    elif supernet["gain"] < MIN_GAIN:
        found.append(
            f"the shared weights gain {supernet['gain']:+.3f} dB over bicubic interpolation: they have learnt too "
            "little to score genotypes; raise warmup or w_steps, or set cell_skip"
        )
    if supernet["spread"] < MIN_SPREAD:
        found.append(
            f"random genotypes differ by {supernet['spread']:.3f} dB: the shared weights do not tell them apart; "
            f"raise warmup, w_steps or channels, or {_SHORT}"
        )
    if supernet.get("tau", 1.0) < MIN_TAU:
        found.append(
            f"Kendall's tau between shared weights and training alone is {supernet['tau']:+.2f}: they do not rank "
            f"genotypes; raise warmup or w_steps, or {_SHORT}"
        )
    return found


def _about_genotypes(scored: Sequence[Scored]) -> list[str]:
    found = []
    equal = 1.0 - (len({candidate.genotype for candidate in scored}) - 1) / (len(scored) - 1)
    if equal > _MAX_EQUAL:
        found.append(f"{equal:.0%} of the genotypes of a round are equal; raise entropy_weight")
    idle = sum(candidate.genotype.idle for candidate in scored)
    if idle > len(scored) / 2:
        found.append(f"{idle} of {len(scored)} normal cells are all identity; raise lam")
    return found


def _about_reward(scored: Sequence[Scored], samples: int) -> list[str]:
    """Which term of the reward decides, among genotypes that saw the same pictures."""
    groups = [scored[start : start + samples] for start in range(0, len(scored), samples)]
    quality = fmean(stdev(candidate.reward.psnr_term for candidate in group) for group in groups)
    cost = fmean(stdev(candidate.reward.cost_term for candidate in group) for group in groups)
    found = []
    if cost > _MAX_IMBALANCE * quality:
        found.append(
            f"the cost term of the reward varies {cost / max(quality, 1e-9):.0f} times as much as the PSNR term, "
            "which then decides nothing; raise lam or cost_reference"
        )
    return found
