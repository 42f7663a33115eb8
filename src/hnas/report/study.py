"""The report of a study: a page of Markdown with its tables, and the pictures that belong to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.report.study_figures import draw_study

PAGE = "study.md"
#: Tau 0.3 orders 65 % of all pairs right; chance orders 50 %.
_LOW_TAU = 0.3


def write_study(folder: str | Path) -> Path:
    """Writes ``study.md`` and its pictures beside a study's ``study.json``, and returns its path.

    Raises:
        HnasError: there is no finished study in the folder.
    """
    folder = Path(folder)
    try:
        study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HnasError(f"{folder}: no finished study (study.json); run hnas study --resume first") from error
    pictures = [f"![{caption}]({name})" for name, caption in draw_study(study, folder).items()]
    page = folder / PAGE
    write_atomically(page, "\n".join(_page(study, pictures)) + "\n")
    return page


def _page(study: Mapping[str, Any], pictures: Sequence[str]) -> list[str]:
    settings, strategies = study["settings"], study["strategies"]
    lines = [
        "# Search strategies compared",
        "",
        f"L = {settings['layers']}, C = {settings['channels']}, x{settings['scale']}, lambda {settings['lam']}; "
        f"{settings['seeds']} seeds, {settings['evaluations']} evaluations each. Scores are those of "
        f"{_scorer(settings)}; rewards are validated on pictures that no search saw, with the gain over bicubic "
        "interpolation (dB) in place of PSNR.",
        "",
        "| strategy | best reward, mean ± spread | per seed | hypervolume |",
        "|---|---|---|---|",
    ]
    for name, one in strategies.items():
        mean, spread = one["reward"][-1]
        volume, volume_spread = one["hypervolume"]
        per_seed = ", ".join(f"{rewards[-1]:.4f}" for rewards in one["rewards"])
        lines.append(f"| {name} | {mean:.4f} ± {spread:.4f} | {per_seed} | {volume:.4f} ± {volume_spread:.4f} |")
    lines += ["", *_verdicts(strategies), "", *_about_scores(study), ""]
    for picture in pictures:
        lines += [picture, ""]
    return lines


def _verdicts(strategies: Mapping[str, Any]) -> list[str]:
    """What the numbers say about chance, in words."""
    if "random" not in strategies:
        return []
    chance, chance_spread = strategies["random"]["reward"][-1]
    sentences = []
    for name, one in strategies.items():
        if name == "random":
            continue
        mean, spread = one["reward"][-1]
        difference, limit = mean - chance, max(spread, chance_spread)
        wins = sum(a[-1] > b[-1] for a, b in zip(one["rewards"], strategies["random"]["rewards"], strict=True))
        seeds = len(one["rewards"])
        if abs(difference) <= limit:
            verdict = f"a draw with uniform sampling ({difference:+.4f}, spread {limit:.4f})"
        elif difference > 0:
            verdict = f"better than uniform sampling by {difference:.4f}, more than the spread of {limit:.4f}"
        else:
            verdict = f"worse than uniform sampling by {-difference:.4f}, more than the spread of {limit:.4f}"
        sentences.append(f"- {name}: {verdict}; ahead in {wins} of {seeds} seeds.")
    return sentences


def _scorer(settings: Mapping[str, Any]) -> str:
    if settings["scorer"] == "shared":
        return "shared weights, frozen, the same for all searches of a seed"
    return f"training each genotype alone for {settings['short_steps']} steps, the same for all searches"


def _about_scores(study: Mapping[str, Any]) -> list[str]:
    settings, scores = study["settings"], study["scores"]
    gain, spread = (fmean(one[name] for one in scores) for name in ("gain", "spread"))
    lines = [
        f"Random genotypes score {gain:+.3f} dB over bicubic interpolation on average, with a spread (standard "
        f"deviation) of {spread:.3f} dB.",
    ]
    if study["tau"]:
        taus = ", ".join(f"{tau:.2f}" for tau in study["tau"])
        lines.append(
            f"Kendall's tau between the scores and training {len(study['alone'])} of them alone for "
            f"{settings['alone_steps']} steps: {taus}."
        )
        if fmean(study["tau"]) < _LOW_TAU:
            lines.append(
                "That is too low to believe the ranking: the rewards above say who finds what these scores like, not "
                "who finds the better network."
            )
    return lines
