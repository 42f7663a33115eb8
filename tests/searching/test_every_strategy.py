"""What every strategy promises, whichever there are, on both spaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import pytest
import torch

from hnas.cli.main import main
from hnas.conformance import STRATEGY_PROMISES
from hnas.conformance.rewards import LAM, SPACES, agreement, best_of, step
from hnas.conformance.strategies import asked
from hnas.searching.runs import search_and_derive
from hnas.searching.searcher import Searcher
from hnas.searching.strategies import STRATEGIES, build_strategy
from hnas.searching.strategies.registry import OWN
from hnas.searching.study.folders import search_folder
from hnas.training.run_folder import open_run
from tests.searching.rewards import settings_of, skip_absent

every = pytest.mark.parametrize("name", STRATEGIES)
spaces = pytest.mark.parametrize("space", SPACES)


@every
@pytest.mark.parametrize("promise", STRATEGY_PROMISES)
def test_it_keeps_its_promises(promise: Callable[[str], None], name: str) -> None:
    skip_absent(name)
    promise(name)


@every
def test_another_seed_is_another_search(name: str) -> None:
    strategy = build_strategy(settings_of("cells", name), lambda genotype: 0.0)
    assert asked(strategy) != asked(strategy, "another seed")


@every
@spaces
def test_it_finds_the_best_where_that_is_known(space: str, name: str) -> None:
    """In 120 evaluations, where uniform sampling meets it in one of five searches (cells); what it hands over is well
    above the mean of the space."""
    settings = settings_of(space, name, updates=30)
    strategy, gain = build_strategy(settings, lambda genotype: 0.0), agreement(settings)
    met = [one for update in range(settings.updates) for one in step(strategy, settings, update)]
    handed_over = fmean(map(gain, strategy.finalists(20, lam=LAM, random=Random("end"))))
    chance = fmean(map(gain, settings.search_space))
    if name == "random":
        assert handed_over == pytest.approx(chance, abs=1.0)
    else:
        assert best_of(settings) in met
        assert handed_over > chance + 0.3


@every
def test_an_interrupted_search_ends_with_the_same_bits(
    make_searcher: Callable[..., Searcher], tmp_path: Path, name: str
) -> None:
    """In a run folder, with a population that fills within the search."""
    skip_absent(name)
    scorer = "short" if name == "nas-rl" else "shared"
    changes = {"strategy": name, "scorer": scorer, "population": 4, "tournament": 2, "short_steps": 1}

    def open_folder(folder: str, resume: bool = False) -> Any:
        return open_run(tmp_path / folder, {"command": "search"}, result="genotype.json", resume=resume)

    whole = open_folder("whole")
    search_and_derive(make_searcher(**changes), whole)

    def stop(round_: int, *_: Any) -> None:
        if round_ == 3:  # the last state on disk is that of round 2
            raise KeyboardInterrupt

    cut = open_folder("cut")
    with pytest.raises(KeyboardInterrupt):
        search_and_derive(make_searcher(**changes), cut, progress=stop)
    search_and_derive(make_searcher(**changes), open_folder("cut", resume=True), resume=True)
    for file in ("candidates.jsonl", "genotype.json"):
        assert (whole.path / file).read_bytes() == (cut.path / file).read_bytes()
    states = [torch.load(run.path / "checkpoint" / "state.pt", weights_only=True)["strategy"] for run in (whole, cut)]
    assert equal(*states)


def equal(first: Any, second: Any) -> bool:
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(equal, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else bool(first == second)


@every
def test_people_can_name_it_and_reports_show_it(capsys: pytest.CaptureFixture[str], name: str) -> None:
    for command in ("search", "study"):
        assert main([command, "--help"]) == 0
        assert name in capsys.readouterr().out
    assert [entry.colour for entry in OWN.values()].count(OWN[name].colour) == 1
    assert [entry.title for entry in OWN.values()].count(OWN[name].title) == 1
    assert ":" not in search_folder(Path(), 0, name).name
    assert f"| `{name}` |" in Path(__file__).parents[2].joinpath("docs", "search.md").read_text(encoding="utf-8")
