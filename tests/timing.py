"""Milliseconds without a clock: what a network takes hangs on its genotype alone, so tests say the same anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hnas.nets import family_of
from hnas.searching.settings import SearchSettings
from hnas.space import Genotype, parse_genotype


@dataclass
class Timing:
    """What the stopwatch says.

    Attributes:
        milliseconds: of a genotype.
        slower: by genotype, what its time is multiplied by.
        turns: genotypes in the order in which they were timed.
        cache: the folder that stands for the user's.
    """

    cache: Path
    milliseconds: Callable[[Genotype], float]
    slower: dict[Genotype, float] = field(default_factory=dict)
    turns: list[Genotype] = field(default_factory=list)

    def turn(self, name: str) -> float:
        """In place of :meth:`hnas.deploy.timing.stopwatch.Stopwatch.turn`, for networks named by their genotypes."""
        genotype = parse_genotype(name)
        self.turns.append(genotype)
        return self.milliseconds(genotype) * self.slower.get(genotype, 1.0)


def by_macs(genotype: Genotype) -> float:
    """Two milliseconds, and one for every million multiply-adds of a network of 4 channels at 24 x 24."""
    family = family_of(genotype.kind, SearchSettings(target_channels=4))
    return 2.0 + family.cost(genotype, (24, 24)).macs / 1e6


def without_clock(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Timing:
    """Replaces the stopwatch, what it would run, and the user's cache folder."""
    timing = Timing(cache, by_macs)
    monkeypatch.setattr("hnas.deploy.timing.stopwatch.Stopwatch.turn", lambda self, name: timing.turn(name))
    for module in ("hnas.deploy.timing.latency_tables", "hnas.searching.measuring"):
        monkeypatch.setattr(f"{module}.graph_of", lambda *_: b"")
    monkeypatch.setattr("hnas.searching.latency.cache_folder", lambda: cache)
    return timing
