"""The report of a study: a page of Markdown with its tables, and the pictures that belong to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from hnas.errors import HnasError, one_line
from hnas.files import write_atomically
from hnas.nets import FAMILIES
from hnas.report.study_figures import draw_study
from hnas.searching.study.verdicts import Figures, Verdict, judge_scores, verdict
from hnas.space import KINDS
from hnas.values import read_json

PAGE = "study.md"


def write_study(folder: str | Path) -> Path:
    """Writes ``study.md`` and its pictures beside a study's ``study.json``, and returns its path.

    Raises:
        HnasError: there is no finished study in the folder, or its file is damaged.
    """
    folder = Path(folder)
    path = folder / "study.json"
    study = read_json(path, advice="no finished study; run hnas study --resume first")
    try:
        _page(study, [])  # so that nothing is drawn of what has no page
        pictures = [f"![{caption}]({name})" for name, caption in draw_study(study, folder).items()]
        lines = _page(study, pictures)
    except HnasError:
        raise
    except Exception as error:  # what is missing, or of another type, at any place of it
        raise HnasError(
            f"{path}: damaged ({type(error).__name__}: {one_line(error)[:100]}); take it away, and hnas study --resume "
            "makes it anew"
        ) from error
    page = folder / PAGE
    write_atomically(page, "\n".join(lines) + "\n")
    return page


def _page(study: Mapping[str, Any], pictures: Sequence[str]) -> list[str]:
    settings, strategies = study["settings"], study["strategies"]
    lines = [
        "# Search strategies compared",
        "",
        f"{_sizes(settings)}; x{settings['scale']}, lambda {settings['lam']}; "
        f"{settings['seeds']} seeds, {settings['evaluations']} evaluations each. Scores are those of "
        f"{_scorer(settings)}; rewards are validated on pictures that no search saw, with the gain over bicubic "
        "interpolation (dB) in place of PSNR.",
        "",
    ]
    derived = any(one["derived"] for one in strategies.values())
    columns = ["strategy", "best reward, mean ± spread", "of each seed", "hypervolume"]
    columns += ["best of the derivation, mean ± spread", "its seeds"] if derived else []
    lines += [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name, one in strategies.items():
        cells = [name, *_cells(*_rewards(one)), "{:.4f} ± {:.4f}".format(*one["hypervolume"])]
        cells += _cells(one["derived"], one["deriveds"]) if derived else []
        lines.append(f"| {' | '.join(cells)} |")
    if derived:
        lines += ["", "The best of the derivation is what a search hands over. The validation pictures have chosen it."]
    lines += ["", *_verdicts(strategies), "", *_about_scores(study), ""]
    for picture in pictures:
        lines += [picture, ""]
    return lines


def _sizes(settings: Mapping[str, Any]) -> str:
    """The space that was searched, with those of its settings that are whole numbers."""
    space = settings["space"]
    names = [field.name for made in (KINDS[space].space, FAMILIES[space]) for field in fields(made)]
    numbers = {name: settings[name] if isinstance(settings[name], list | tuple) else [settings[name]] for name in names}
    shown = [
        f"{name} {', '.join(map(str, values))}"
        for name, values in numbers.items()
        if name != "scale" and all(type(value) is int for value in values)
    ]
    return f"Space {space}: {'; '.join(shown)}"


def _rewards(strategy: Mapping[str, Any]) -> Figures:
    return strategy["reward"][-1], [rewards[-1] for rewards in strategy["rewards"]]


def _cells(mean_and_spread: Sequence[float], per_seed: Sequence[float]) -> list[str]:
    return ["{:.4f} ± {:.4f}".format(*mean_and_spread), ", ".join(f"{value:.4f}" for value in per_seed)]


def _verdicts(strategies: Mapping[str, Any]) -> list[str]:
    """What the numbers say about chance, in words."""
    if "random" not in strategies:
        return []
    chance = strategies["random"]
    sentences = []
    for name, one in strategies.items():
        if name == "random":
            continue
        sentences.append(f"- {name}: {_in_words(verdict(_rewards(one), _rewards(chance)))}")
        if one["derived"]:
            found = verdict((one["derived"], one["deriveds"]), (chance["derived"], chance["deriveds"]))
            sentences[-1] += f" The best of its derivation: {_in_words(found)}"
    return sentences


def _in_words(found: Verdict) -> str:
    if found.outcome == "draw":
        words = f"a draw with uniform sampling ({found.difference:+.4f}, spread {found.spread:.4f})"
    else:
        lead = abs(found.difference)
        words = f"{found.outcome} than uniform sampling by {lead:.4f}, more than the spread of {found.spread:.4f}"
    return f"{words}; ahead in {found.wins} of {found.seeds} seeds."


def _scorer(settings: Mapping[str, Any]) -> str:
    if settings["scorer"] == "shared":
        return "shared weights, frozen, the same for all searches of a seed"
    return f"training each genotype alone for {settings['short_steps']} steps, the same for all searches"


def _about_scores(study: Mapping[str, Any]) -> list[str]:
    settings, scores = study["settings"], judge_scores(study)
    lines = [
        f"Random genotypes score {scores.gain:+.3f} dB over bicubic interpolation on average, with a spread (standard "
        f"deviation) of {scores.spread:.3f} dB.",
    ]
    if study["tau"]:
        taus = ", ".join(f"{tau:.2f}" for tau in study["tau"])
        lines.append(
            f"Kendall's tau between the scores and training {len(study['alone'])} of them alone for "
            f"{settings['alone_steps']} steps: {taus}."
        )
        if not scores.believable:
            lines.append(
                "That is too low to believe the ranking: the rewards above say who finds what these scores like, not "
                "who finds the better network."
            )
    return lines
