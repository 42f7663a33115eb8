"""Regularised evolution (Real et al., Regularized Evolution for Image Classifier Architecture Search, AAAI 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hnas.searching.reward import Known, Scored, Spread
from hnas.searching.strategies.pareto import pareto_ranks
from hnas.searching.strategies.settings import EvolutionSettings
from hnas.searching.strategies.task import Task
from hnas.searching.within import draw_uniformly, draw_within
from hnas.space import Genotype


class EvolutionStrategy:
    """Regularised evolution (Real et al., 2019): the oldest dies; parents are chosen by Pareto rank, then by reward."""

    def __init__(self, own: EvolutionSettings, task: Task) -> None:
        self._own, self._space, self._usage = own, task.space, task.usage
        self._population: list[Known] = []  # oldest first

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """Uniform samples until the population is full, then mutated parents."""
        space = self._space
        if len(self._population) < self._own.population:
            return draw_uniformly(count, space, self._usage, random)

        def one() -> Genotype:
            drawn = random.sample(self._population, self._own.tournament)
            mutated: Genotype = space.mutate(self._ranked(drawn, lam)[0].genotype, random)
            return mutated

        return draw_within(count, lambda many: [one() for _ in range(many)], self._usage, space=space, random=random)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """The new ones join, as many of the oldest leave."""
        self._population += [Known.of(candidate) for candidate in scored]
        self._population = self._population[-self._own.population :]
        return {}

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """Those of the population that are within the limits, best first; where none is, what :meth:`ask` gives."""
        within = [known for known in self._population if self._usage(known.genotype) <= 1.0]
        ranked = list(dict.fromkeys(known.genotype for known in self._ranked(within, lam)))[:count]
        return ranked or list(dict.fromkeys(self.ask(count, lam=lam, random=random)))

    @staticmethod
    def _ranked(candidates: Sequence[Known], lam: float) -> list[Known]:
        ranks = pareto_ranks([(known.gain, -known.cost) for known in candidates])
        order = sorted(range(len(candidates)), key=lambda index: (ranks[index], -candidates[index].worth(lam)))
        return [candidates[index] for index in order]

    def state_dict(self) -> dict[str, Any]:
        """The population."""
        return {"population": [known.state() for known in self._population]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self._population = [Known.from_state(known) for known in state["population"]]
