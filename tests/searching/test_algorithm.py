"""The pitfalls of published searches, each shown to be absent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from hnas.data.folders import Pair
from hnas.errors import HnasError
from hnas.nets import NetworkSettings, network_cost
from hnas.searching.building import build_searcher
from hnas.searching.costs import CostTable
from hnas.searching.evaluators import score_shortly
from hnas.searching.runs import search_and_derive
from hnas.searching.scoring import bicubic_psnr
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import Splits, split_pictures
from hnas.searching.tell_apart import tell_apart
from hnas.training.run_folder import open_run

Make = Callable[..., Searcher]


def weights(searcher: Searcher) -> dict[str, torch.Tensor]:
    return deepcopy(searcher.weights.supernet.state_dict())


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def test_a_score_and_a_cost_belong_to_the_genotype_that_they_stand_beside(make_searcher: Make) -> None:
    searcher = make_searcher(samples=4)
    searcher.w_step(0)
    scored, _ = searcher.strategy_step(3)
    lr, hr = searcher.pictures.scoring.batch(3)
    for candidate in scored:
        assert candidate.cost.macs == network_cost(candidate.genotype, NetworkSettings(channels=4)).macs
        with torch.no_grad():
            alone = searcher.evaluator(candidate.genotype, lr, hr)
        assert candidate.psnr == pytest.approx(alone, abs=1e-5)
        assert candidate.gain == pytest.approx(alone - bicubic_psnr(lr, hr), abs=1e-5)
        expected = 0.6 * candidate.psnr - 0.4 * candidate.cost.relative
        assert candidate.reward.value == pytest.approx(expected, abs=1e-6)


def _tau(ones: list[float], others: list[float]) -> float:
    """Kendall's tau-b (Kendall, 1945): pairs in the same order less those in the other, of those that are no ties."""
    pairs = [(i, j) for i in range(len(ones)) for j in range(i)]
    signs = [(np.sign(ones[i] - ones[j]), np.sign(others[i] - others[j])) for i, j in pairs]
    untied = [sum(one[side] != 0 for one in signs) for side in (0, 1)]
    return float(sum(one * other for one, other in signs) / np.sqrt(untied[0] * untied[1]))


def test_the_log_says_whether_shared_weights_rank_as_training_alone_does(make_searcher: Make) -> None:
    searcher = make_searcher(tau_samples=8, derive_pictures=3)
    searcher.w_step(0)
    figures = tell_apart(searcher)
    draw = Random(0)
    genotypes = [searcher.settings.search_space.sample(draw) for _ in range(8)]
    shared = [one.psnr for one in searcher.score_all(genotypes, searcher.pictures.validation, 0.5)]
    alone = searcher.alone
    assert alone == [
        score
        for genotype in genotypes
        for score in score_shortly(
            genotype,
            settings=searcher.settings,
            patches=searcher.weights.patches,
            pictures=[searcher.pictures.validation],
            fabric=searcher.fabric,
        )
    ]
    assert figures["tau"] == pytest.approx(_tau(shared, alone))
    assert "tau" not in tell_apart(make_searcher(tau_samples=0))


def test_genotypes_are_scored_on_more_patches_than_a_step_trains_on(make_searcher: Make) -> None:
    searcher = make_searcher(batch=4, score_batch=7)
    assert len(searcher.pictures.scoring.batch(0)[0]) == 7
    assert len(searcher.weights.patches.batch(0)[0]) == 4


def test_strategy_steps_leave_the_shared_weights_alone_and_w_steps_the_controller(make_searcher: Make) -> None:
    searcher = make_searcher(lr=1e-2)
    shared, strategy = weights(searcher), deepcopy(searcher.strategy.state_dict()["controller"])
    searcher.strategy_step(0)
    assert same(shared, weights(searcher))
    assert all(parameter.grad is None for parameter in searcher.weights.supernet.parameters())
    controller = searcher.strategy.state_dict()["controller"]
    assert not same(strategy, controller)
    before = deepcopy(controller)
    searcher.w_step(0)
    assert not same(shared, weights(searcher))
    assert same(before, searcher.strategy.state_dict()["controller"])


def test_a_w_step_changes_only_the_operations_that_its_genotype_uses(make_searcher: Make) -> None:
    searcher = make_searcher()
    for step in range(6):  # Adam has momentum for most operations by then.
        searcher.w_step(step)
    (genotype,) = searcher.w_genotypes(6)
    before = weights(searcher)
    searcher.w_step(6)
    changed = {
        name for name, value in searcher.weights.supernet.state_dict().items() if not torch.equal(before[name], value)
    }
    searcher.weights.supernet(torch.rand(1, 3, 8, 8), genotype).sum().backward()
    used = {name for name, parameter in searcher.weights.supernet.named_parameters() if parameter.grad is not None}
    assert changed <= used
    assert any("edges" in name for name in changed)


def test_every_genotype_of_a_w_step_trains_on_its_share_of_the_batch(make_searcher: Make) -> None:
    searcher = make_searcher(w_genotypes=2, batch=4, w_sampling="fair")
    seen = []
    searcher.weights.supernet.register_forward_pre_hook(lambda _, inputs: seen.append((inputs[1], inputs[0].shape[0])))
    searcher.w_step(0)
    assert [count for _, count in seen] == [2, 2]
    assert seen[0][0] != seen[1][0]


def test_the_shared_weights_learn(make_searcher: Make) -> None:
    searcher = make_searcher(lr=5e-3, cell_skip=0.3, w_sampling="fair")
    pictures = searcher.weights.patches.batch(1000)
    genotypes = list(searcher.settings.search_space)[::40]

    def mean_psnr() -> float:
        return sum(searcher.evaluator(genotype, *pictures) for genotype in genotypes) / len(genotypes)

    before = mean_psnr()
    for step in range(40):
        searcher.w_step(step)
    assert mean_psnr() > before + 0.05


def test_rates_follow_their_cosines(make_searcher: Make) -> None:
    searcher = make_searcher()
    lines = [searcher.run_round()[0] for _ in range(searcher.rounds)]
    assert lines[-1]["lr_w"] == pytest.approx(1e-5)
    assert lines[0]["lr_w"] < 1e-3
    assert [line["lr_w"] for line in lines] == sorted((line["lr_w"] for line in lines), reverse=True)
    assert "reward" not in lines[0]  # warm-up
    searcher.strategy_step(7)
    assert lines[-1]["lr_controller"] == pytest.approx((1.5e-4 + lines[-2]["lr_controller"]) / 2, rel=0.3)


def test_no_picture_is_in_two_parts(splits: Splits, make_pairs: Callable[..., list[Pair]]) -> None:
    names = [{pair.name for pair in part} for part in (splits.shared, splits.controller, splits.validation)]
    assert sum(map(len, names)) == len(set.union(*names)) == 9
    assert len(split_pictures(make_pairs(10), [], w_fraction=0.4, seed=0).shared) == 4
    copies = [Pair("another-name", pair.hr.copy(), pair.lr) for pair in splits.shared[:1]]
    with pytest.raises(HnasError, match=r"another-name \(validation pictures\) is the same picture as p\d"):
        split_pictures(make_pairs(6), copies, w_fraction=0.4, seed=0)
    doubled = split_pictures(make_pairs(6) * 2, [], w_fraction=0.4, seed=0)
    assert sum(len(part) for part in vars(doubled).values()) == 6


def test_a_loss_that_is_not_finite_stops_the_search_and_the_last_good_state_stays(
    splits: Splits, tiny: SearchSettings, fabric: Fabric, tmp_path: Path
) -> None:
    settings = replace(tiny, lr=1e20, rounds=20)
    run = open_run(tmp_path / "run", {"command": "search"}, result="genotype.json")
    with pytest.raises(HnasError, match=r"not finite|is nan|is inf"):
        search_and_derive(build_searcher(settings, splits, CostTable(settings), fabric), run)
    assert not run.finished


def lines(run: Path, name: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (run / name).read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in found]


def equal_states(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            equal_states(first[key], second[key]) for key in first if key not in ("seconds", "log_lengths")
        )
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(equal_states, first, second))
    return bool(first == second)


def assert_same_runs(first: Path, second: Path) -> None:
    for name in ("log.jsonl", "candidates.jsonl"):
        assert lines(first, name) == lines(second, name)
    assert (first / "genotype.json").read_bytes() == (second / "genotype.json").read_bytes()
    states = [torch.load(run / "checkpoint" / "state.pt", weights_only=True) for run in (first, second)]
    assert equal_states(*states)


@pytest.mark.parametrize("strategy", ["controller", "evolution"])
def test_an_interrupted_search_ends_with_the_same_bits(
    splits: Splits, tiny: SearchSettings, fabric: Fabric, tmp_path: Path, strategy: Any
) -> None:
    settings = replace(tiny, strategy=strategy, population=4, tournament=2, lam="0.2..0.8")
    config = {"command": "search"}
    whole = open_run(tmp_path / "whole", config, result="genotype.json")
    search_and_derive(build_searcher(settings, splits, CostTable(settings), fabric), whole)

    def stop(step: int, *_: Any) -> None:
        if step == 3:  # the last state on disk is that of round 2
            raise KeyboardInterrupt

    cut = open_run(tmp_path / "cut", config, result="genotype.json")
    with pytest.raises(KeyboardInterrupt):
        search_and_derive(build_searcher(settings, splits, CostTable(settings), fabric), cut, progress=stop)
    assert len(lines(cut.path, "log.jsonl")) == 3
    cut = open_run(tmp_path / "cut", config, result="genotype.json", resume=True)
    search_and_derive(build_searcher(settings, splits, CostTable(settings), fabric), cut, resume=True)
    assert_same_runs(whole.path, cut.path)


SCRIPT = """
import sys
from dataclasses import replace
from hnas.searching.runs import search
from hnas.searching.settings import SearchSettings
from hnas.training.settings import DeviceSettings
import torch
torch.set_num_threads(1)
train, val, run, devices, rounds = sys.argv[1:6]
settings = SearchSettings(
    layers=2, nodes=1, channels=4, target_channels=4, rounds=int(rounds), w_steps=2, controller_steps=1, batch=2,
    patch=8, samples=2, hidden=8, derive_samples=3, derive_patch=12, checkpoint_every=2,
)
search(
    train, val, run_dir=run, settings=settings, resume="--resume" in sys.argv,
    devices=DeviceSettings(accelerator="cpu", devices=int(devices)),
)
"""


def start(tmp_path: Path, *arguments: object) -> subprocess.Popen[bytes]:
    script = tmp_path / "search.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, str(script), *map(str, arguments)], env=environment)


def test_a_killed_search_resumes_to_the_same_bits(folders: tuple[Path, Path], tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    rounds = 12
    first = start(tmp_path, *folders, whole, 1, rounds)
    second = start(tmp_path, *folders, cut, 1, rounds)
    log = cut / "log.jsonl"
    while second.poll() is None and not (log.exists() and log.read_bytes().count(b"\n") >= 5):
        time.sleep(0.002)
    second.send_signal(signal.SIGKILL)
    assert second.wait() == -signal.SIGKILL
    assert not (cut / "genotype.json").exists()
    assert start(tmp_path, *folders, cut, 1, rounds, "--resume").wait() == 0
    assert first.wait() == 0
    assert_same_runs(whole, cut)


def test_two_processes_share_the_work_and_draw_genotypes_of_their_own(
    folders: tuple[Path, Path], tmp_path: Path, make_searcher: Make
) -> None:
    run = tmp_path / "two"
    assert start(tmp_path, *folders, run, 2, 2).wait() == 0
    assert len(lines(run, "log.jsonl")) == 2
    assert len(lines(run, "candidates.jsonl")) == 2 * 2 + 3

    searcher = make_searcher()
    drawn = []
    for rank in range(2):
        searcher.fabric = _Ranked(rank)  # type: ignore[assignment]
        drawn.append([searcher.w_genotypes(step)[0] for step in range(8)])
    assert drawn[0] != drawn[1]


class _Ranked:
    """Stands for one of two processes."""

    def __init__(self, rank: int) -> None:
        self.global_rank = rank


def test_samples_must_share_out_evenly(splits: Splits, tiny: SearchSettings, make_searcher: Make) -> None:
    searcher = make_searcher()
    with pytest.raises(HnasError, match="samples is 2; with 4 processes"):
        Searcher(
            tiny,
            pictures=searcher.pictures,
            costs=searcher.costs,
            evaluator=searcher.evaluator,
            propose_within=searcher.propose_within,
            fabric=_Four(),
        )  # type: ignore[arg-type]


class _Four:
    world_size = 4
