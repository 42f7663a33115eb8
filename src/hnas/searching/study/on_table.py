"""Strategies compared on a tabular benchmark: many seeds, each a search of a second or less."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from time import process_time
from typing import Any

from hnas.errors import HnasError
from hnas.ranking import kendall_tau
from hnas.searching.costs import CostTable
from hnas.searching.reward import Scored
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.searching.strategies import build_strategy
from hnas.searching.study.conclusions import conclusions
from hnas.searching.study.hypervolume import hypervolume
from hnas.searching.study.table import Table, search_by_scores
from hnas.space import Genotype

#: Parts of the evaluations after which it is asked how good the best so far is.
PARTS = (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class _Truth:
    """What there is to find: every genotype of the table within the limits, after the most updates of training."""

    scored: Mapping[Genotype, Scored]

    @property
    def best(self) -> Scored:
        return max(self.scored.values(), key=lambda one: one.worth)

    def regret(self, genotype: Genotype) -> float:
        """By how much less it is worth than the best, dB of the reward."""
        return self.best.worth - self.scored[genotype].worth

    def rank(self, genotype: Genotype) -> int:
        """1 is the best."""
        return 1 + sum(one.worth > self.scored[genotype].worth for one in self.scored.values())

    def area(self, genotypes: Sequence[Genotype]) -> float:
        """Hypervolume of the front among these, as a part of what all of the table have."""
        return self._area(genotypes) / self._area(list(self.scored))

    def _area(self, genotypes: Sequence[Genotype]) -> float:
        return hypervolume([(self.scored[one].gain, self.scored[one].cost.relative) for one in genotypes])


def study_on_table(
    table: Table,
    settings: SearchSettings,
    study: StudySettings,
    *,
    progress: Callable[[str], None] = lambda words: None,
) -> dict[str, Any]:
    """Runs every strategy with every seed on the table.

    A search sees the PSNR after ``short_steps`` updates and hands over the best by these scores; it is judged by the
    reward after the most updates that the table has.

    Args:
        table: what is searched.
        settings: of every search, but for the strategy, the seed and the number of updates.
        study: strategies, seeds and evaluations.
        progress: called with a sentence whenever a strategy is done.

    Raises:
        HnasError: a range of lambda, settings that the table has otherwise or that are not for a strategy.
    """
    if settings.conditional:
        raise HnasError(f"lam is {settings.lam}; a study needs one lambda, such as 0.9")
    settings = table.applied_to(settings)
    settings = replace(settings, rounds=max(1, study.evaluations // settings.samples))
    for name in study.strategies:  # refuses what is not for these settings, before any search
        build_strategy(replace(settings, strategy=name), lambda genotype: 0.0)
    costs, lam = table.costs(settings), settings.lam_range[0]
    usage = costs.usage(settings.limits)
    within = [genotype for genotype in table.rows if usage(genotype) <= 1.0]
    scores = {
        steps: _Truth({genotype: table.score(genotype, steps, costs, lam) for genotype in within})
        for steps in table.lengths
    }
    truth = scores[table.lengths[-1]]
    strategies = {}
    for name in study.strategies:
        strategies[name] = _searches(table, replace(settings, strategy=name), costs, truth, study.seeds)
        progress(name)
    return {
        "table": dict(table.about),
        "settings": {**asdict(study), **asdict(settings)},
        "within": len(within),
        "best": truth.best.line(),
        "spread": _spread([one.worth for one in truth.scored.values()]),
        "trained_again": _again(table, lam),
        "lengths": {str(steps): _believed(scores[steps], truth) for steps in table.lengths},
        "strategies": strategies,
        "conclusions": conclusions(strategies),
    }


def _searches(table: Table, settings: SearchSettings, costs: CostTable, truth: _Truth, seeds: int) -> dict[str, Any]:
    """What a strategy found with each seed."""
    began = process_time()
    regrets, ranks, distinct, areas = [], [], [], []
    lam = settings.lam_range[0]
    for seed in range(seeds):
        found = search_by_scores(
            replace(settings, seed=seed), costs, lambda one: table.score(one, settings.short_steps, costs, lam)
        )
        handed_over = [_best(found[: max(1, round(part * len(found)))]) for part in PARTS]
        regrets.append([truth.regret(one) for one in handed_over])
        ranks.append(truth.rank(handed_over[-1]))
        met = list(dict.fromkeys(one.genotype for one in found))
        distinct.append(len(met))
        areas.append(truth.area(met))
    seconds = (process_time() - began) / seeds
    return {"regrets": regrets, "ranks": ranks, "distinct": distinct, "areas": areas, "seconds": seconds}


def _best(found: Sequence[Scored]) -> Genotype:
    return max(found, key=lambda one: one.worth).genotype


def _believed(scores: _Truth, truth: _Truth) -> dict[str, float]:
    """How far scores after fewer updates can be believed: tau with the truth, and the regret of their very best."""
    pairs = [(one.psnr, truth.scored[genotype].psnr) for genotype, one in scores.scored.items()]
    return {
        "tau": kendall_tau([first for first, _ in pairs], [second for _, second in pairs]),
        "gain": fmean(one.gain for one in scores.scored.values()),
        "regret": truth.regret(scores.best.genotype),
    }


def _again(table: Table, lam: float) -> dict[str, float]:
    """How far two trainings of the most updates agree; nothing where no genotype was trained twice."""
    most = table.lengths[-1]
    both = [(row.psnr[most], row.again) for row in table.rows.values() if row.again is not None]
    if len(both) < 2:
        return {}
    first, second = zip(*both, strict=True)
    apart = fmean(abs(one - other) for one, other in both)
    return {"genotypes": len(both), "tau": kendall_tau(first, second), "apart": apart, "reward": lam * apart}


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Best, median and worst."""
    ranked = sorted(values, reverse=True)
    return {"best": ranked[0], "median": ranked[len(ranked) // 2], "worst": ranked[-1]}
