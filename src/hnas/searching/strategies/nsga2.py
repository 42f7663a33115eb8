"""NSGA-II: evolution towards the whole front of quality and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hnas.searching.reward import Known, Scored, Spread
from hnas.searching.strategies.breeding import child_of
from hnas.searching.strategies.pareto import crowding, pareto_ranks
from hnas.searching.strategies.settings import PopulationSettings
from hnas.searching.strategies.task import Task
from hnas.searching.within import draw_uniformly, draw_within
from hnas.space import Genotype

#: Part of the children that have two parents (Deb et al., 2002, V-A).
_CROSSOVER = 0.9
#: Children bred in place of one that is known already; the last of them counts whatever it is.
_TRIES = 10


class Nsga2Strategy:
    """Deb et al. (A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II, 2002): what MoreMNAS and FALSR used.

    A generation is ``population`` children, which come in batches; of them and their parents, those on the first fronts
    survive, of the last front those in the emptiest places. Parents win a tournament of two by front, then by crowding.
    Nine tenths of the children are crossed; every decision mutates with a probability of one over their number.
    """

    def __init__(self, own: PopulationSettings, task: Task) -> None:
        self._population, self._space, self._usage = own.population, task.space, task.usage
        self._parents: list[Known] = []
        self._children: list[Known] = []

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """Uniform samples in the first generation, then children."""
        space = self._space
        if not self._parents:
            return draw_uniformly(count, space, self._usage, random)
        places = crowded_places(self._parents)
        known = {one.genotype for one in (*self._parents, *self._children)}

        def parent() -> Genotype:
            first, second = random.randrange(len(places)), random.randrange(len(places))
            return self._parents[min(first, second, key=places.__getitem__)].genotype

        def child() -> Genotype:
            for _ in range(_TRIES):
                mother = parent()
                father = parent() if random.random() < _CROSSOVER else mother
                made = child_of(mother, father, space, random, mutation=1.0 / len(space.encode(mother)))
                if made not in known:
                    break
            return made

        return draw_within(count, lambda many: [child() for _ in range(many)], self._usage, space=space, random=random)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """Children join; once there are as many as the population has members, the fittest of all survive."""
        self._children += [Known.of(one) for one in scored]
        if len(self._children) >= self._population:
            everyone = list({one.genotype: one for one in (*self._parents, *self._children)}.values())
            places = crowded_places(everyone)
            order = sorted(range(len(everyone)), key=places.__getitem__)
            self._parents = [everyone[index] for index in order[: self._population]]
            self._children = []
        return {}

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """The best of parents and children for lambda within the limits; where none is, what :meth:`ask` gives."""
        within = [one for one in (*self._parents, *self._children) if self._usage(one.genotype) <= 1.0]
        ranked = sorted(within, key=lambda known: -known.worth(lam))
        best = list(dict.fromkeys(known.genotype for known in ranked))[:count]
        return best or list(dict.fromkeys(self.ask(count, lam=lam, random=random)))

    def state_dict(self) -> dict[str, Any]:
        """Parents and children."""
        return {name: [known.state() for known in some] for name, some in self._generations().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        for name, some in self._generations().items():
            some[:] = [Known.from_state(known) for known in state[name]]

    def _generations(self) -> dict[str, list[Known]]:
        return {"parents": self._parents, "children": self._children}


def crowded_places(population: Sequence[Known]) -> list[tuple[int, float]]:
    """The front of each in gain and cost, and minus its crowding distance on it: smaller is fitter."""
    points = [(known.gain, -known.cost) for known in population]
    ranks = pareto_ranks(points)
    places = [(0, 0.0)] * len(points)
    for rank in set(ranks):
        front = [index for index, its in enumerate(ranks) if its == rank]
        for index, distance in zip(front, crowding([points[index] for index in front]), strict=True):
            places[index] = (rank, -distance)
    return places
