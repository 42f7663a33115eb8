"""A search by an object of someone else, and a registered strategy in a study's figures."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

import hnas
from hnas.errors import HnasError
from hnas.report.study_figures import COLOURS, NAMES, colour_of, name_of
from hnas.searching.strategies import RandomStrategy, Strategy
from hnas.searching.strategy_registry import STRATEGIES, build_strategy
from hnas.settings import read_config
from hnas.space import Genotype, read_genotype
from tests.searching.conftest import TINY


class AlwaysTheSame(RandomStrategy):
    """Proposes one genotype whatever it is asked for."""

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
    assert {name: (name_of(name), colour_of(name)) for name in NAMES} == {
        name: (NAMES[name], COLOURS[name]) for name in NAMES
    }
    assert name_of("same") == "same"
    assert colour_of("same") == colour_of("same")
    assert colour_of("same") not in COLOURS.values()
