"""Local search: from a genotype to a better neighbour, for as long as there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from hnas.searching.reward import Known, Scored, Spread
from hnas.searching.strategies.settings import PopulationSettings
from hnas.searching.strategies.task import Task
from hnas.searching.within import draw_uniformly
from hnas.space import Genotype, parse_genotype


class LocalSearchStrategy:
    """Hill climbing (White, Nolen and Savani, Exploring the Loss Landscape in Neural Architecture Search, 2020).

    Neighbours (one decision differs) are scored in a random order, a batch at a time, and the first batch with a
    better genotype moves the search to its best. Where no neighbour is better, it begins again at random. Batches that
    the neighbours do not fill are filled with uniform samples.

    Raises:
        HnasError: a range of lambda.
    """

    def __init__(self, own: PopulationSettings, task: Task) -> None:
        task.refuse_range()
        self._population, self._space, self._usage = own.population, task.space, task.usage
        self._at: Known | None = None
        #: Scored since the last move.
        self._tried: set[Genotype] = set()
        #: The best so far, best first.
        self._best: list[Known] = []

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """Neighbours that were not tried, then uniform samples."""
        left = list(self._left())
        neighbours = random.sample(left, min(count, len(left)))
        more = count - len(neighbours)
        return neighbours + (draw_uniformly(more, self._space, self._usage, random) if more else [])

    def _left(self) -> Iterator[Genotype]:
        """Neighbours within the limits that were not tried since the last move."""
        if self._at is not None:
            for neighbour in self._space.neighbours(self._at.genotype):
                if neighbour not in self._tried and self._usage(neighbour) <= 1.0:
                    yield neighbour

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """Moves to the best of them if it is better; leaves a place where none of the neighbours is."""
        new = [Known.of(one) for one in scored]
        known = {one.genotype: one for one in (*self._best, *new)}
        self._best = sorted(known.values(), key=lambda one: -one.worth(lam))[: self._population]
        best = max(new, key=lambda one: one.worth(lam))
        if self._at is None or best.worth(lam) > self._at.worth(lam):
            self._at, self._tried = best, set()
        else:
            self._tried |= {one.genotype for one in new}
        if next(self._left(), None) is None:
            self._at, self._tried = None, set()
        return {}

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """The best so far within the limits; where none is, uniform samples."""
        within = [one.genotype for one in self._best if self._usage(one.genotype) <= 1.0][:count]
        if within:
            return within
        return list(dict.fromkeys(draw_uniformly(count, self._space, self._usage, random)))

    def state_dict(self) -> dict[str, Any]:
        """Where it is, what it tried there, and the best so far."""
        return {
            "at": None if self._at is None else self._at.state(),
            "tried": sorted(genotype.to_json() for genotype in self._tried),
            "best": [known.state() for known in self._best],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self._at = None if state["at"] is None else Known.from_state(state["at"])
        self._tried = {parse_genotype(text) for text in state["tried"]}
        self._best = [Known.from_state(known) for known in state["best"]]
