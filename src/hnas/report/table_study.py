"""The page of a study on a table: what each strategy found, and what is to be concluded from it."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from hnas.report.study_figures import NAMES
from hnas.searching.study.on_table import PARTS
from hnas.searching.study.paired import Paired, holm, paired
from hnas.space import read_genotype

#: Every strategy, the simplest first: without a state, without a network of its own, with one, with several levels.
SIMPLEST_FIRST = (
    *("random", "local-search", "evolution", "nsga2", "optuna:tpe"),
    *("nas-rl", "enas", "controller-flat", "controller", "ppo"),
)
#: Of what chance alone brings about once in 20 times, nothing is concluded.
_CHANCE = 0.05


def table_study_page(study: Mapping[str, Any]) -> str:
    """Markdown of what :func:`hnas.searching.study.on_table.study_on_table` found."""
    settings, strategies = study["settings"], study["strategies"]
    best, spread, lengths = study["best"], study["spread"], study["lengths"]
    longest = list(lengths)[-1]
    about = study["table"]
    lines = [
        "# Search strategies compared on a table",
        "",
        f"{study['within']} genotypes, each trained alone for {', '.join(lengths)} updates ({about['pictures']} "
        f"pictures of {about['data']}, validated on {about['validation']}). {settings['seeds']} seeds, "
        f"{settings['evaluations']} evaluations each by the PSNR after {settings['short_steps']} updates; lambda "
        f"{settings['lam']}, cost {settings['cost']}. Judged by the reward after {longest} updates, with the gain over "
        f"bicubic interpolation (dB) in place of PSNR: {spread['best']:.4f} at best "
        f"({read_genotype(best['genotype']).summary()}; {best['gain']:+.3f} dB, {best['macs'] / 1e9:.2f} G "
        f"multiply-adds), {spread['median']:.4f} in the middle.",
        "",
        *_table(strategies, settings["evaluations"]),
        "",
        "Regret is by how much less what a search hands over is worth than the best; its area is that of its front, "
        "as a part of that of all genotypes. An evaluation is a genotype that is proposed, again or not.",
        "",
        *_against_chance(strategies),
        *_worth_it(strategies),
        *_hierarchy(strategies),
        "",
        *_about_scores(study),
    ]
    return "\n".join(lines) + "\n"


def _table(strategies: Mapping[str, Any], evaluations: int) -> list[str]:
    after = [f"regret after {round(part * evaluations)}" for part in PARTS]
    columns = ["strategy", *after, "found the best", "worst rank", "area", "different", "CPU seconds"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name, one in strategies.items():
        means = [f"{fmean(regrets):.4f}" for regrets in zip(*one["regrets"], strict=True)]
        found = f"{sum(rank == 1 for rank in one['ranks'])} of {len(one['ranks'])}"
        cells = [NAMES[name], *means, found, str(max(one["ranks"])), f"{fmean(one['areas']):.4f}"]
        cells += [f"{fmean(one['distinct']):.0f}", f"{one['seconds']:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def compared(strategies: Mapping[str, Any], first: str, second: str) -> Paired:
    """By how much less the regret of the first is, seed by seed."""
    finals = {name: [regrets[-1] for regrets in strategies[name]["regrets"]] for name in (first, second)}
    return paired(finals[second], finals[first])


def _verdict(name: str, other: str, found: Paired, p: float) -> str:
    """One comparison in words."""
    how = "better than" if found.mean > 0 else "worse than"
    said = how if p < _CHANCE else "not told apart from"
    seeds = found.wins + found.losses + found.ties
    return (
        f"{NAMES[name]} is {said} {NAMES[other]} ({found.mean:+.4f}, 95 %: {found.low:+.4f} to {found.high:+.4f}; "
        f"ahead in {found.wins}, behind in {found.losses} of {seeds} seeds; p = {p:.4f})"
    )


def _against_chance(strategies: Mapping[str, Any]) -> list[str]:
    others = [name for name in strategies if name != "random"]
    if "random" not in strategies or not others:
        return []
    found = [compared(strategies, name, "random") for name in others]
    lines = ["**Against chance** (regrets paired by seed; p of a sign-flip test, corrected by Holm):", ""]
    for name, one, p in zip(others, found, holm([one.p for one in found]), strict=True):
        lines.append(f"- {_verdict(name, 'random', one, p)}.")
    return [*lines, ""]


def worth_their_complexity(strategies: Mapping[str, Any]) -> list[tuple[str, str, Paired, float]]:
    """From the simplest on, each against the best of those before it: (strategy, that one, how they differ, p).

    Best is the one that was better beyond chance than the best before it; corrected for the number of comparisons.
    """
    names = [name for name in SIMPLEST_FIRST if name in strategies]
    names += [name for name in strategies if name not in SIMPLEST_FIRST]  # those of other packages
    steps, best = [], names[0]
    for name in names[1:]:
        found = compared(strategies, name, best)
        p = min(1.0, found.p * (len(names) - 1))
        steps.append((name, best, found, p))
        if found.mean > 0 and p < _CHANCE:
            best = name
    return steps


def _worth_it(strategies: Mapping[str, Any]) -> list[str]:
    steps = worth_their_complexity(strategies)
    if not steps:
        return []
    lines = ["**Worth their complexity** (from the simplest on, against the best so far; p times their number):", ""]
    for name, other, found, p in steps:
        worth = "yes" if found.mean > 0 and p < _CHANCE else "no"
        lines.append(f"- {worth}: {_verdict(name, other, found, p)}.")
    return [*lines, ""]


def _hierarchy(strategies: Mapping[str, Any]) -> list[str]:
    if not {"controller", "controller-flat"} <= strategies.keys():
        return []
    found = compared(strategies, "controller", "controller-flat")
    return [f"**What the hierarchy brings**: {_verdict('controller', 'controller-flat', found, found.p)}."]


def _about_scores(study: Mapping[str, Any]) -> list[str]:
    *fewer, (longest, last) = study["lengths"].items()
    lines = [f"Genotypes gain {last['gain']:+.3f} dB on average after {longest} updates."]
    for steps, one in fewer:
        lines.append(
            f"After {steps} it is {one['gain']:+.3f} dB, Kendall's tau with {longest} is {one['tau']:.2f}, and the "
            f"best of all by these scores has a regret of {one['regret']:.4f}."
        )
    if again := study["trained_again"]:
        lines.append(
            f"Two trainings of {longest} updates agree to a tau of {again['tau']:.2f} over {again['genotypes']} "
            f"genotypes and lie {again['apart']:.3f} dB apart on average ({again['reward']:.3f} of the reward): a "
            "smaller regret than that tells strategies apart on this table, and no networks."
        )
    return [" ".join(lines)]
