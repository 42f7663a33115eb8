"""Rows of a comparison by milliseconds; what a network takes is made up, no time is tested."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from hnas.data.folders import Pair, pair_of
from hnas.deploy.running.runtimes import PACKAGES, BackendName, runtime_version
from hnas.deploy.timing.stopwatch import Machine, Stopwatch
from hnas.errors import HnasError
from hnas.evaluation.benchmark import evaluate_model
from hnas.nets import model_cost
from hnas.nets.peers import build_peer
from hnas.zoo.by_latency import count_steps, measure_in_turns
from hnas.zoo.contenders import Contender
from hnas.zoo.small_systems import SMALL

ETDS = next(system for system in SMALL if system.name == "ETDS-T")


@pytest.fixture
def two() -> list[Contender]:
    torch.manual_seed(0)
    mine = build_peer({"architecture": "espcn", "scale": 2}).eval()
    theirs = build_peer({"architecture": "etds-t", "scale": 2}).eval()
    return [Contender("mine", mine, Path("mine")), Contender("ETDS-T", theirs, Path("theirs"), ETDS)]


@pytest.fixture
def sets() -> dict[str, list[Pair]]:
    random = np.random.default_rng(0)
    return {
        name: [pair_of(one, random.integers(0, 256, (24, 28, 3), dtype=np.uint8), 2) for one in pictures]
        for name, pictures in (("Set5", "ab"), ("Set14", "c"))
    }


def test_rows_are_sorted_by_time(
    two: list[Contender], sets: dict[str, list[Pair]], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"mine": iter([200.0, 900.0, 100.0]), "ETDS-T": iter([100.0, 90.0, 110.0])}
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    monkeypatch.setattr(Stopwatch, "turn", lambda self, name: next(answers[name]))
    theirs, mine = measure_in_turns(two, sets, scale=2, machine=Machine("onnx", 1, (8, 12)), rounds=3)
    assert (theirs.name, theirs.milliseconds, theirs.ours, theirs.weights) == ("ETDS-T", 100, False, "theirs")
    assert (mine.name, mine.milliseconds, mine.ours, mine.printed) == ("mine", 200, True, {})
    assert theirs.printed["Set14"].psnr == 32.76
    # By hand: six convolutions 3x3, the tail to twelve values and the last one of those.
    assert theirs.params == (9 * 3 + 1) * 16 + 5 * (9 * 16 + 1) * 16 + (9 * 16 + 1) * 12 + (12 + 1) * 12
    assert theirs.macs == model_cost(two[1].model, lr_size=(480, 480)).macs
    assert list(mine.psnr) == ["Set5", "Set14"]
    result = evaluate_model(two[0].model, sets["Set5"], scale=2)
    assert (mine.psnr["Set5"], mine.ssim["Set5"]) == (result.psnr, result.ssim)


@pytest.mark.parametrize("backend", ["onnx", "openvino", "torch"])
def test_every_backend_runs_what_it_is_asked_for(two: list[Contender], backend: BackendName) -> None:
    package = PACKAGES[backend]
    pytest.importorskip(package, reason=f"needs the extra {backend}")
    assert runtime_version(backend).startswith(f"{package} ")
    threads = torch.get_num_threads()
    rows = measure_in_turns(two, {}, scale=2, machine=Machine(backend, 1, (8, 12)), rounds=1)
    assert {row.name for row in rows} == {"mine", "ETDS-T"}
    assert all(row.milliseconds > 0 and not row.psnr for row in rows)
    assert torch.get_num_threads() == threads
    assert all(next(one.model.parameters()).is_contiguous() for one in two)


def test_steps_are_counted(two: list[Contender], sets: dict[str, list[Pair]]) -> None:
    steps: list[str] = []
    measure_in_turns(two, sets, scale=2, machine=Machine("torch", 1, (8, 8)), rounds=2, on_step=steps.append)
    assert len(steps) == count_steps(two, sets, 2)
    assert Counter(steps)["mine on Set5"] == Counter(steps)["ETDS-T"] == 2


def test_a_missing_runtime_is_named_before_anything_is_measured(
    two: list[Contender], sets: dict[str, list[Pair]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PACKAGES, "onnx", "no_such_runtime")  # type: ignore[arg-type]
    steps: list[str] = []
    with pytest.raises(HnasError, match=r"needs the package no_such_runtime: pip install no_such_runtime"):
        measure_in_turns(two, sets, scale=2, machine=Machine(), on_step=steps.append)
    assert not steps


def test_rounds_have_a_bound(two: list[Contender]) -> None:
    with pytest.raises(HnasError, match="rounds is 0; allowed is 1 and more"):
        measure_in_turns(two, {}, scale=2, machine=Machine("torch", 1, (8, 8)), rounds=0)


@pytest.mark.parametrize(
    ("settings", "message"), [({"threads": 0}, "threads is 0"), ({"backend": "tvm"}, "backend is 'tvm'; allowed are")]
)
def test_machines_have_bounds(settings: dict[str, object], message: str) -> None:
    with pytest.raises(HnasError, match=message):
        Machine(**settings)
