"""Uniform sampling: the yardstick for every other strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hnas.searching.reward import Scored, Spread
from hnas.searching.strategies.settings import NoSettings
from hnas.searching.strategies.task import Task
from hnas.searching.within import draw_uniformly
from hnas.space import Genotype


class RandomStrategy:
    """Uniform sampling: the yardstick for every other strategy."""

    def __init__(self, own: NoSettings, task: Task) -> None:
        self._space, self._usage = task.space, task.usage

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`."""
        return draw_uniformly(count, self._space, self._usage, random)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """Learns nothing."""
        return {}

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`."""
        return list(dict.fromkeys(self.ask(count, lam=lam, random=random)))

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing."""
