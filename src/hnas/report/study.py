"""The report of a study: a page of Markdown with its tables, and the pictures that belong to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from hnas.errors import HnasError
from hnas.files import write_atomically

PAGE = "study.md"
_COLORS = {"controller": "#1b6ca8", "controller-flat": "#6fb1d6", "random": "#8a8a8a", "evolution": "#c1622d"}


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
    _draw_curves(study, folder / "study-rewards.png")
    _draw_operations(study, folder / "study-operations.png")
    pictures = ["![Best reward against evaluations](study-rewards.png)", "![Operations](study-operations.png)"]
    if study["tau"]:
        _draw_ranking(study, folder / "study-ranking.png")
        pictures.append("![Shared weights against training alone](study-ranking.png)")
    page = folder / PAGE
    write_atomically(page, "\n".join(_page(study, pictures)) + "\n")
    return page


def _page(study: Mapping[str, Any], pictures: Sequence[str]) -> list[str]:
    settings, strategies = study["settings"], study["strategies"]
    lines = [
        "# Search strategies compared",
        "",
        f"L = {settings['layers']}, C = {settings['channels']}, x{settings['scale']}, lambda {settings['lam']}; "
        f"{settings['seeds']} seeds, {settings['evaluations']} evaluations each. Rewards are validated with the same "
        "frozen shared weights, with the gain over bicubic interpolation (dB) in place of PSNR.",
        "",
        "| strategy | best reward, mean ± spread | per seed | hypervolume |",
        "|---|---|---|---|",
    ]
    for name, one in strategies.items():
        mean, spread = one["reward"][-1]
        volume, volume_spread = one["hypervolume"]
        per_seed = ", ".join(f"{rewards[-1]:.4f}" for rewards in one["rewards"])
        lines.append(f"| {name} | {mean:.4f} ± {spread:.4f} | {per_seed} | {volume:.4f} ± {volume_spread:.4f} |")
    lines += ["", *_verdicts(strategies), "", *_about_shared(study), ""]
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


def _about_shared(study: Mapping[str, Any]) -> list[str]:
    gain = fmean(one["gain"] for one in study["shared"])
    spread = fmean(one["spread"] for one in study["shared"])
    lines = [
        f"Shared weights: 60 random genotypes gain {gain:+.3f} dB over bicubic interpolation on average, with a spread "
        f"(standard deviation) of {spread:.3f} dB.",
    ]
    if study["tau"]:
        taus = ", ".join(f"{tau:.2f}" for tau in study["tau"])
        lines.append(
            f"Kendall's tau between shared-weight PSNR and {len(study['alone'])} genotypes trained alone "
            f"({study['settings']['short_steps']} steps each): {taus} by seed, {fmean(study['tau']):.2f} on average."
        )
    return lines


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    from io import BytesIO

    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    write_atomically(path, buffer.getvalue())


def _draw_curves(study: Mapping[str, Any], path: Path) -> None:
    figure, axes = _figure(7, 4.2)
    for name, one in study["strategies"].items():
        means = [mean for mean, _ in one["reward"]]
        low = [mean - spread for mean, spread in one["reward"]]
        high = [mean + spread for mean, spread in one["reward"]]
        axes.plot(study["evaluations"], means, color=_COLORS[name], label=name, linewidth=2)
        axes.fill_between(study["evaluations"], low, high, color=_COLORS[name], alpha=0.15, linewidth=0)
    axes.set_xlabel("genotypes scored")
    axes.set_ylabel("validated reward of the best so far (dB gain)")
    axes.legend(frameon=False)
    _save(figure, path)


def _draw_operations(study: Mapping[str, Any], path: Path) -> None:
    figure, axes = _figure(7, 4.2)
    strategies = study["strategies"]
    operations = sorted({operation for one in strategies.values() for operation in one["operations"]})
    height = 0.8 / len(strategies)
    for index, (name, one) in enumerate(strategies.items()):
        places = [row + (index - (len(strategies) - 1) / 2) * height for row in range(len(operations))]
        shares = [one["operations"].get(operation, 0.0) for operation in operations]
        axes.barh(places, shares, height=height, color=_COLORS[name], label=name)
    axes.set_yticks(range(len(operations)), operations)
    axes.invert_yaxis()
    axes.set_xlabel("share of the edges of its kind of cell, last quarter of the search")
    axes.legend(frameon=False)
    _save(figure, path)


def _draw_ranking(study: Mapping[str, Any], path: Path) -> None:
    figure, axes = _figure(5, 4.2)
    for seed, (scores, tau) in enumerate(zip(study["shared_psnr"], study["tau"], strict=True)):
        axes.scatter(scores, study["alone"], s=22, label=f"seed {seed}: tau {tau:.2f}")
    axes.set_xlabel("PSNR with shared weights (dB)")
    axes.set_ylabel("PSNR trained alone (dB)")
    axes.legend(frameon=False)
    _save(figure, path)
