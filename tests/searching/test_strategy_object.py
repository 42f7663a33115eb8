"""A search by an object of someone else, and a registered strategy in a study's figures."""

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
from hnas.report.study_figures import colour_of, name_of
from hnas.searching.costs import CostTable
from hnas.searching.reward import Scored, Spread
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import STRATEGIES, Strategy, build_strategy
from hnas.searching.strategies.registry import OWN, task_of
from hnas.searching.strategies.settings import NoSettings
from hnas.searching.strategies.uniform import RandomStrategy
from hnas.searching.within import Usage
from hnas.settings import read_config
from hnas.space import Genotype, Space, parse_genotype, read_genotype
from hnas.training.settings import DeviceSettings
from tests.searching.conftest import TINY


class AlwaysTheSame(RandomStrategy):
    """Proposes one genotype whatever it is asked for."""

    def __init__(self, settings: SearchSettings, usage: Usage) -> None:
        super().__init__(NoSettings(), task_of(settings, usage))

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        return [TINY.search_space.sample(Random("the same"))] * count


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone after it."""
    monkeypatch.setattr(STRATEGIES, "_parts", dict(STRATEGIES.usable()))


def test_an_object_searches(folders: tuple[Path, Path], tmp_path: Path) -> None:
    strategy: Strategy = AlwaysTheSame(TINY, lambda genotype: 0.0)
    data, validation = folders
    run = tmp_path / "run"
    found = hnas.search(data, validation, run_dir=run, settings=TINY, strategy=strategy)
    wanted = TINY.search_space.sample(Random("the same"))
    assert found.best.genotype == wanted
    assert read_genotype(json.loads((run / "genotype.json").read_text(encoding="utf-8"))) == wanted
    assert read_config(run / "config.yaml", "search")["strategy"] == "always-the-same-object"
    # Another limit: the same object proposes, and what it proposes is held to the limit.
    assert hnas.derive(run, output=tmp_path / "again.json").best.genotype == wanted


def test_a_class_is_no_object(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(HnasError, match="strategy is the class AlwaysTheSame; an object is needed"):
        hnas.search(folders[0], run_dir=tmp_path / "run", settings=TINY, strategy=AlwaysTheSame)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_a_registered_class_is_built_for_every_search() -> None:
    hnas.register_strategy("same", AlwaysTheSame)
    settings: Any = type(TINY)(strategy="same")
    first, second = (build_strategy(settings, lambda genotype: 0.0) for _ in range(2))
    assert isinstance(first, AlwaysTheSame)
    assert first is not second


def test_figures_have_a_name_and_a_colour_for_it() -> None:
    assert (name_of("random"), colour_of("random")) == ("uniform sampling", "#64748b")
    assert name_of("same") == "same"
    assert colour_of("same") == colour_of("same")
    assert colour_of("same") not in {entry.colour for entry in OWN.values()}


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
        more = {"strategy": Nearest(space), "devices": DeviceSettings(accelerator="cpu"), "settings": settings, **more}
        return hnas.search(*folders, run_dir=tmp_path / folder, **more)

    whole = search("whole")
    candidates = lines(tmp_path / "whole", "candidates.jsonl")
    assert max(line["macs"] for line in candidates) <= settings.limits.macs
    searched = [line for line in candidates if line["source"] != "derive"]
    assert len(searched) == 16
    assert {line["source"] for line in searched} == {"nearest-object"}
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
    with pytest.raises(HnasError, match=r"its strategy is nearest-object, not other-object"):
        hnas.derive(tmp_path / "cut", strategy=Other(space))
    with pytest.raises(HnasError, match=r"started with strategy .nearest-object., now it is .controller."):
        search("cut", strategy=None, resume=True, overwrite=False, then="report.html")
