"""A step as a CUDA graph is the same step; it is taken where it is faster, and left where it cannot be had."""

from __future__ import annotations

import json
import logging
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import pytest
import torch
from torch import Tensor

from hnas.nets.chain.network import ChainNetwork
from hnas.space.chain import ChainGenotype
from hnas.training.checkpoint import load_checkpoint
from hnas.training.devices import start_fabric
from hnas.training.graph import TIMED, WARM_UP, FasterStep, Step
from hnas.training.loop import train
from hnas.training.run_folder import open_run
from hnas.training.settings import DeviceSettings, TrainingSettings
from tests.training.example import NanSampler, pairs

CHAIN = ChainGenotype(width=8, blocks=("residual_3x3", "conv_3x3"), enlargement=2, colour="luma")
SETTINGS = TrainingSettings(
    steps=60, batch=4, patch=8, lr=4e-3, loss="l1+fft", ema=0.99, grad_clip=0.5, log_every=1, checkpoint_every=7
)


@pytest.mark.parametrize(
    ("plain", "graph", "chosen"), [(0.004, 0.0, "graph"), (0.0, 0.004, "settled"), (0.0, None, "settled")]
)
def test_the_faster_way_is_taken(
    plain: float, graph: float | None, chosen: str, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[str] = []

    def way(name: str, seconds: float) -> Step:
        def step(lr: Tensor, hr: Tensor) -> Tensor:
            called.append(name)
            sleep(seconds)
            return lr

        return step

    def capture(lr: Tensor, hr: Tensor) -> Step:
        if graph is None:
            raise RuntimeError("not permitted\nwhile capturing")
        return way("graph", graph)

    step = FasterStep(way("plain", plain), capture, settled=way("settled", 0.0), device=torch.device("cpu"))
    with caplog.at_level(logging.INFO, "hnas"):
        for _ in range(WARM_UP + 2 * TIMED + 5):
            step(torch.zeros(1), torch.zeros(1))
    assert called[: WARM_UP + TIMED] == ["plain"] * (WARM_UP + TIMED)
    tried = ["graph" if graph is not None else "settled"] * TIMED
    assert called[WARM_UP + TIMED :] == tried + [chosen] * 5
    (line,) = caplog.messages
    assert ("do not go into a CUDA graph (not permitted)" in line) == (graph is None)


class Stopped(Exception):
    """Ends a training as a kill does."""


class Stopping(NanSampler):
    """Stops the training at the batch of this step."""

    stop_at: int | None = None

    def batch(self, step: int, rank: int = 0, *, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
        if step == self.stop_at:
            raise Stopped
        return super().batch(step, rank, device=device)


def _train(
    folder: Path, accelerator: str, settings: TrainingSettings = SETTINGS, *, stop_at: int | None = None
) -> dict[str, Tensor]:
    """Trains a small chain on pictures of noise, or goes on with it; the weights that it ends with, on the CPU."""
    fabric = start_fabric(DeviceSettings(accelerator=accelerator))  # type: ignore[arg-type]
    resume = folder.exists()
    run = open_run(folder, {"command": "train"}, result="weights.txt", resume=resume)
    torch.manual_seed(settings.seed)
    model = ChainNetwork(CHAIN, 2)
    sampler = Stopping(pairs(), scale=2, patch=settings.patch, batch=settings.batch, seed=settings.seed)
    sampler.stop_at = stop_at
    with pytest.raises(Stopped) if stop_at else nullcontext():
        train(model, sampler, settings, run, fabric=fabric, resume=resume)
    return {name: value.cpu() for name, value in model.state_dict().items()}


def _losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.gpu
def test_captured_steps_lose_what_others_lose(
    cuda: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(FasterStep, "_settle", lambda self, graph: setattr(self, "_chosen", graph))
    with caplog.at_level(logging.INFO, "hnas"):
        _train(tmp_path / "graph", "cuda")
    said = [record.message for record in caplog.records if record.name.startswith("hnas")]
    assert not said  # nothing said that it cannot be captured
    _train(tmp_path / "plain", "cuda", replace(SETTINGS, graph="off"))
    _train(tmp_path / "cpu", "cpu")
    assert len(_losses(tmp_path / "graph")) == SETTINGS.steps
    assert _losses(tmp_path / "graph") == pytest.approx(_losses(tmp_path / "plain"), rel=2e-3)
    assert _losses(tmp_path / "graph") == pytest.approx(_losses(tmp_path / "cpu"), rel=2e-2)


@pytest.mark.gpu
@pytest.mark.parametrize("graph", ["auto", "off"])
def test_a_training_moves_between_gpu_and_cpu(cuda: torch.device, tmp_path: Path, graph: str) -> None:
    settings = replace(SETTINGS, graph=graph, log_every=5)  # type: ignore[arg-type]
    _move(tmp_path, settings, "cuda")


def test_a_training_moves_between_pieces_of_the_cpu(tmp_path: Path) -> None:
    """What the test above does on a GPU, to the bit."""
    _move(tmp_path, replace(SETTINGS, log_every=5), "cpu")


def _move(folder: Path, settings: TrainingSettings, accelerator: str) -> None:
    """Takes a training to another device, lets it be stopped and killed there, and ends it on the CPU."""
    alone, moved = _train(folder / "alone", "cpu", settings), folder / "moved"
    for there in ("cpu", accelerator, accelerator):
        _train(moved, there, replace(settings, max_minutes=1e-9))  # ends after a single step
    assert _state(moved)["place"]["step"] == 3
    _train(moved, accelerator, settings, stop_at=50)
    state = _state(moved)
    assert state["place"]["step"] == 49
    (group,) = state["optimizer"]["param_groups"]
    assert (type(group["lr"]), group["capturable"]) == (float, False)
    for name, value in _train(moved, "cpu", settings).items():
        tolerance = 0.0 if accelerator == "cpu" else 0.05
        torch.testing.assert_close(value, alone[name], rtol=0, atol=tolerance)


def _state(folder: Path) -> dict[str, Any]:
    state = load_checkpoint(folder / "checkpoint")
    assert state
    return state
