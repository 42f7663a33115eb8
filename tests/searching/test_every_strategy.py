"""What every strategy promises, whichever there are, on both spaces."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import pytest
import torch

from hnas.cli.main import main
from hnas.report.study_figures import COLOURS, NAMES
from hnas.searching.algorithm import Searcher
from hnas.searching.reward import Spread
from hnas.searching.runs import search_and_derive
from hnas.searching.settings import STRATEGIES, StrategyName
from hnas.searching.strategies import Strategy, build_strategy
from hnas.searching.study.folders import search_folder
from hnas.training.run_folder import open_run
from tests.searching.rewards import LAM, SPACES, agreement, best_of, scored, settings_of, skip_absent, step

every = pytest.mark.parametrize("name", STRATEGIES)
spaces = pytest.mark.parametrize("space", SPACES)


def anything(genotype: object) -> float:
    return 0.0


def saved(strategy: Strategy) -> Any:
    """The state as a checkpoint gives it back."""
    buffer = io.BytesIO()
    torch.save(strategy.state_dict(), buffer)
    return torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)


def asked(strategy: Strategy, seed: object = "asked") -> list[Any]:
    return strategy.ask(4, lam=LAM, random=Random(f"{seed}"))


@every
@spaces
def test_what_it_proposes_is_of_the_space_and_of_the_number(space: str, name: StrategyName) -> None:
    settings = settings_of(space, name)
    strategy = build_strategy(settings, anything)
    for update in range(6):  # beyond the first generation
        assert all(genotype in settings.search_space for genotype in step(strategy, settings, update))
    for count in (1, 2, 5):
        assert len(strategy.ask(count, lam=LAM, random=Random(count))) == count
        finalists = strategy.finalists(count, lam=LAM, random=Random(count))
        assert 1 <= len(finalists) == len(set(finalists)) <= count
        assert all(genotype in settings.search_space for genotype in finalists)


@every
@spaces
def test_limits_hold_for_everything_that_is_proposed(space: str, name: StrategyName) -> None:
    """A limit that one genotype in a few keeps and the best does not."""
    settings = settings_of(space, name)
    gain = agreement(settings)
    limit = sorted(map(gain, settings.search_space))[settings.search_space.size // 4]
    strategy = build_strategy(settings, lambda genotype: gain(genotype) / limit)
    for update in range(6):
        assert max(map(gain, step(strategy, settings, update))) <= limit
    assert max(map(gain, strategy.finalists(5, lam=LAM, random=Random(0)))) <= limit


@every
def test_a_finished_search_proposes_what_keeps_within_limits_of_later(name: StrategyName) -> None:
    settings = settings_of("chain", name)
    first = build_strategy(settings, anything)
    for update in range(4):
        step(first, settings, update)
    gain = agreement(settings)
    limited = build_strategy(settings, lambda genotype: gain(genotype) / 1.0)
    limited.load_state_dict(saved(first))
    assert max(map(gain, limited.finalists(3, lam=LAM, random=Random(1)))) <= 1.0


@every
@spaces
@pytest.mark.parametrize("updates", [1, 6])
def test_it_goes_on_from_its_saved_state_to_the_same_bits(space: str, name: StrategyName, updates: int) -> None:
    settings = settings_of(space, name, updates=9)
    first = build_strategy(settings, anything)
    for update in range(updates):
        step(first, settings, update)
    second = build_strategy(settings, anything)
    second.load_state_dict(saved(first))
    for update in range(updates, updates + 3):
        both = [asked(one, update) for one in (first, second)]
        assert both[0] == both[1]
        told = [one.tell(scored(both[0], agreement(settings)), lam=LAM, spread=Spread()) for one in (first, second)]
        assert told[0] == told[1]
    assert first.finalists(5, lam=LAM, random=Random(9)) == second.finalists(5, lam=LAM, random=Random(9))


@every
def test_seeds_decide_everything(name: StrategyName) -> None:
    """Nothing is drawn from a global generator, and asking leaves no trace: shared weights ask in between."""
    settings = settings_of("cells", name)
    torch.manual_seed(1)
    first = build_strategy(settings, anything)
    for update in range(5):
        step(first, settings, update)
    torch.manual_seed(2)
    second = build_strategy(settings, anything)
    for update in range(5):
        asked(second, f"in between {update}")
        step(second, settings, update)
    assert asked(first) == asked(second)
    assert asked(first) != asked(first, "another seed")


@every
@spaces
def test_it_finds_the_best_where_that_is_known(space: str, name: StrategyName) -> None:
    """In 120 evaluations, where uniform sampling meets it in one of five searches (cells); what it hands over is well
    above the mean of the space."""
    settings = settings_of(space, name, updates=30)
    strategy, gain = build_strategy(settings, anything), agreement(settings)
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
    make_searcher: Callable[..., Searcher], tmp_path: Path, name: StrategyName
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
def test_people_can_name_it_and_reports_show_it(capsys: pytest.CaptureFixture[str], name: StrategyName) -> None:
    for command in ("search", "study"):
        assert main([command, "--help"]) == 0
        assert name in capsys.readouterr().out
    assert name in NAMES
    assert list(COLOURS.values()).count(COLOURS[name]) == 1
    assert ":" not in search_folder(Path(), 0, name).name
    assert f"| `{name}` |" in Path(__file__).parents[2].joinpath("docs", "search.md").read_text(encoding="utf-8")
