"""What a study's searches found, in figures, read from their run folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from hnas import ranking
from hnas.run_files import CANDIDATES
from hnas.searching.candidates import shares
from hnas.searching.runs import RESULT
from hnas.searching.settings import STUDY_POINTS
from hnas.searching.study.folders import search_folder
from hnas.space import Genotype, operation_styles, read_genotype
from hnas.training.run_folder import RunFolder

#: Validated points of a front.
_FRONT = 16


def evaluations_of(run: Path) -> list[dict[str, Any]]:
    return [line for line in RunFolder(run, RESULT).lines(CANDIDATES) if line["source"] != "derive"]


def derived_worth(run: Path) -> float:
    """What the genotype that a search hands over is worth on the validation pictures, which chose it."""
    lines = RunFolder(run, RESULT).lines(CANDIDATES)
    return next(float(line["worth"]) for line in reversed(lines) if line.get("chosen"))


def best_so_far(lines: Sequence[dict[str, Any]]) -> list[Genotype]:
    """The best by its own scores after each tenth of the evaluations."""
    best = []
    for index in range(STUDY_POINTS):
        seen = lines[: max(1, round(len(lines) * (index + 1) / STUDY_POINTS))]
        best.append(read_genotype(max(seen, key=lambda line: line["worth"])["genotype"]))
    return best


def front_of(lines: Sequence[dict[str, Any]]) -> list[Genotype]:
    """The genotypes that no other scored one beats in both gain and cost, by their own scores."""
    first = ranking.front(lines, cost=lambda line: line["cost"], quality=lambda line: line["gain"])
    step = max(1, -(-len(first) // _FRONT))
    return [read_genotype(line["genotype"]) for line in first[::step]]


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    return fmean(values), stdev(values) if len(values) > 1 else 0.0


def entropies_of(folder: Path, name: str, seeds: int) -> dict[str, list[float]]:
    """The entropy of every head at each tenth of the search, averaged over the seeds; empty without a controller."""
    found: dict[str, list[list[float]]] = {}
    for seed in range(seeds):
        lines = [line for line in RunFolder(search_folder(folder, seed, name), RESULT).lines() if "entropy" in line]
        for index in range(STUDY_POINTS if lines else 0):
            entropies = lines[round((len(lines) - 1) * index / (STUDY_POINTS - 1))]["entropy"]
            for head, value in entropies.items():
                found.setdefault(head, [[] for _ in range(STUDY_POINTS)])[index].append(value)
    return {head: [fmean(values) for values in at] for head, at in found.items()}


def histogram_of(folder: Path, name: str, seeds: int) -> dict[str, float]:
    """Share of every operation among those of its kind of cell (or chain), in the last quarter of the evaluations."""
    last = []
    for seed in range(seeds):
        lines = evaluations_of(search_folder(folder, seed, name))
        last += [read_genotype(line["genotype"]) for line in lines[-max(1, len(lines) // 4) :]]
    found = {answer: share for answers in shares(last).values() for answer, share in answers.items()}
    return {answer: share for answer, share in sorted(found.items()) if answer in operation_styles()}
