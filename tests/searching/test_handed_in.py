"""A strategy that is handed to a search as an object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

import hnas
from hnas.errors import HnasError
from hnas.searching.costs import CostTable
from hnas.searching.reward import Scored, Spread
from hnas.searching.settings import SearchSettings
from hnas.space import Genotype, Space, parse_genotype
from hnas.training.settings import DeviceSettings

CPU = DeviceSettings(accelerator="cpu")


class Nearest:
    """Neighbours of the best so far; it knows nothing of limits."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.best: tuple[str, float] | None = None

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        if self.best is None:
            return [self.space.sample(random) for _ in range(count)]
        around = list(self.space.neighbours(parse_genotype(self.best[0])))
        return [random.choice(around) for _ in range(count)]

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        top = max(scored, key=lambda one: one.worth)
        if self.best is None or top.worth > self.best[1]:
            self.best = (top.genotype.to_json(), top.worth)
        return {"top": top.worth}

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        return list(dict.fromkeys(self.ask(count, lam=lam, random=random)))

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best = state["best"]


class Other(Nearest):
    """Another class."""


def limited(tiny: SearchSettings) -> SearchSettings:
    """With a limit that a quarter of the genotypes keeps."""
    table = CostTable(tiny)
    costs = sorted(table(genotype).macs for genotype in tiny.search_space)
    return replace(tiny, max_macs=float(costs[len(costs) // 4]))


def lines(run: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / name).read_text().splitlines()]


def test_it_searches_within_the_limits_goes_on_and_is_derived_from(
    folders: tuple[Path, Path], tiny: SearchSettings, tmp_path: Path
) -> None:
    settings = limited(tiny)
    space = settings.search_space

    def search(folder: str, **more: Any) -> Any:
        more = {"strategy": Nearest(space), "devices": CPU, "settings": settings, **more}
        return hnas.search(*folders, run_dir=tmp_path / folder, **more)

    whole = search("whole")
    candidates = lines(tmp_path / "whole", "candidates.jsonl")
    assert max(line["macs"] for line in candidates) <= settings.limits.macs
    searched = [line for line in candidates if line["source"] != "derive"]
    assert len(searched) == 16
    assert {line["source"] for line in searched} == {f"{__name__}:Nearest"}
    assert "top" in lines(tmp_path / "whole", "log.jsonl")[-1]

    def stop(step: int, *_: Any) -> None:
        if step == 3:  # the last state on disk is that of round 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search("cut", progress=stop)
    assert search("cut", resume=True) == whole
    assert lines(tmp_path / "cut", "candidates.jsonl") == candidates

    derived = hnas.derive(tmp_path / "cut", strategy=Nearest(space), count=3)
    assert derived.best.cost.macs <= settings.limits.macs
    with pytest.raises(HnasError, match=r"Nearest, was handed in from Python; hand one in again"):
        hnas.derive(tmp_path / "cut")
    with pytest.raises(HnasError, match=r"its strategy is .*Nearest, and .*Other was handed in"):
        hnas.derive(tmp_path / "cut", strategy=Other(space))
    with pytest.raises(HnasError, match=r"started with strategy .*Nearest.* now it is .*controller"):
        search("cut", strategy=None, resume=True, overwrite=False, then="report.html")
