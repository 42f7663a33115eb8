"""The page of a study on a table: what each strategy found, and what is to be concluded from it."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from hnas.report.study_figures import name_of
from hnas.searching.study.on_table import PARTS
from hnas.space import read_genotype


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
        *_conclusions(study["conclusions"]),
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
        cells = [name_of(name), *means, found, str(max(one["ranks"])), f"{fmean(one['areas']):.4f}"]
        cells += [f"{fmean(one['distinct']):.0f}", f"{one['seconds']:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _verdict(found: Mapping[str, Any]) -> str:
    """One comparison in words."""
    said = {1: "better than", 0: "not told apart from", -1: "worse than"}[found["told_apart"]]
    return (
        f"{name_of(found['strategy'])} is {said} {name_of(found['than'])} ({found['mean']:+.4f}, 95 %: "
        f"{found['low']:+.4f} to {found['high']:+.4f}; ahead in {found['wins']}, behind in {found['losses']} of "
        f"{found['wins'] + found['losses'] + found['ties']} seeds; p = {found['p']:.4f})"
    )


def _conclusions(found: Mapping[str, Any]) -> list[str]:
    lines = []
    if found["chance"]:
        lines += ["**Against chance** (regrets paired by seed; p of a sign-flip test, corrected by Holm):", ""]
        lines += [*(f"- {_verdict(one)}." for one in found["chance"]), ""]
    if found["complexity"]:
        lines += ["**Worth their complexity** (the simplest first, against the best so far; p times their number):", ""]
        lines += [f"- {'yes' if one['told_apart'] > 0 else 'no'}: {_verdict(one)}." for one in found["complexity"]]
        lines += [""]
    if found["hierarchy"]:
        lines += [f"**What the hierarchy brings**: {_verdict(found['hierarchy'])}.", ""]
    return lines


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
