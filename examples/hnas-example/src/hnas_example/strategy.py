"""A strategy: mutates the best genotype that it knows of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hnas import Genotype, SearchSettings
from hnas.searching.reward import Known, Scored, Spread
from hnas.searching.within import Usage, draw_uniformly, draw_within


class HillClimb:
    """Proposes genotypes one change away from the best so far, and uniform ones before there is any."""

    def __init__(self, settings: SearchSettings, usage: Usage) -> None:
        self._space, self._usage = settings.search_space, usage
        self._best: Known | None = None

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`hnas.searching.strategies.Strategy`."""
        best, space = self._best, self._space
        if best is None:
            return draw_uniformly(count, space, self._usage, random)

        def changed(many: int) -> list[Genotype]:
            return [space.mutate(best.genotype, random) for _ in range(many)]

        return draw_within(count, changed, self._usage, space=space, random=random)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """Remembers the best for this lambda."""
        known = [Known.of(one) for one in scored] + ([self._best] if self._best else [])
        self._best = max(known, key=lambda one: one.worth(lam))
        return {"best_gain": self._best.gain}

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """The best, if it is within the limits, and others that are near it."""
        best = [self._best.genotype] if self._best and self._usage(self._best.genotype) <= 1 else []
        return list(dict.fromkeys([*best, *self.ask(count, lam=lam, random=random)]))[:count]

    def state_dict(self) -> dict[str, Any]:
        """The best."""
        return {"best": self._best.state() if self._best else None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self._best = Known.from_state(state["best"]) if state["best"] else None
