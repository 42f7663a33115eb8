"""The parts of a recipe against torch's schedulers and averages, numpy's transform, and sums by hand."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from hnas.errors import HnasError
from hnas.training.devices import start_fabric
from hnas.training.ema import Ema
from hnas.training.losses import LOSSES
from hnas.training.settings import DeviceSettings, TrainingSettings, cosine, learning_rate


def _rates_of(scheduler: str, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2e-3)
    if scheduler == "cosine":
        rates: Any = CosineAnnealingLR(optimizer, T_max=steps - 1, eta_min=1e-5)
    else:
        # Its last rate is lr / div_factor / final_div_factor.
        rates = OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps, div_factor=25, final_div_factor=2e-3 / 25 / 1e-5)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        rates.step() if len(found) < steps else None
    return found


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
@pytest.mark.parametrize("steps", [10, 73])
def test_the_schedules_are_those_of_torch(schedule: Any, steps: int) -> None:
    settings = TrainingSettings(steps=steps, lr=2e-3, lr_end=1e-5, schedule=schedule)
    assert [learning_rate(settings, step) for step in range(steps)] == pytest.approx(_rates_of(schedule, steps))


def test_a_cosine_schedule_may_warm_up_and_ends_at_its_end() -> None:
    settings = TrainingSettings(steps=20, lr=1.0, lr_end=0.1, warmup=4)
    rates = [learning_rate(settings, step) for step in range(20)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[19] == pytest.approx(0.1)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert learning_rate(TrainingSettings(steps=1, schedule="one-cycle"), 0) == 1e-3


def test_a_cosine_is_halfway_in_the_middle() -> None:
    # The paper's controller: 3e-4 to 1.5e-4.
    assert cosine(3e-4, 1.5e-4, 0.5) == pytest.approx(2.25e-4)


def test_the_losses_are_those_of_numpy() -> None:
    draw = np.random.default_rng(0)
    sr, hr = (draw.random((2, 3, 6, 8)).astype(np.float32) for _ in range(2))
    absolute = np.abs(sr - hr).mean()
    parts = np.fft.rfft2(sr) - np.fft.rfft2(hr)
    spectral = (np.abs(parts.real).mean() + np.abs(parts.imag).mean()) / 2
    tensors = torch.from_numpy(sr), torch.from_numpy(hr)
    assert float(LOSSES["l1"](*tensors)) == pytest.approx(absolute, rel=1e-5)
    assert float(LOSSES["l1+fft"](*tensors)) == pytest.approx(absolute + 0.05 * spectral, rel=1e-5)


def test_the_average_forgets_its_start_and_then_decays() -> None:
    model = nn.Linear(1, 1, bias=False)
    model.register_buffer("count", torch.zeros(()))
    nn.init.constant_(model.weight, 5.0)
    ema, expected = Ema(model, decay=0.5), 5.0
    for update, value in enumerate([1.0, 2.0, 4.0, 8.0, 3.0, 7.0, 9.0, 6.0, 2.0]):
        nn.init.constant_(model.weight, value)
        model.count += 1
        ema.update(model, update)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * value
        assert float(ema.model.weight) == pytest.approx(expected)
    assert float(ema.model.get_buffer("count")) == 9
    assert decay == 0.5
    assert not ema.model.weight.requires_grad
    assert model.weight.item() == 2.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"batch": -1}, "batch is -1"),
        ({"lr": 0.0}, "lr is 0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"lr_end": 1.0}, "lr_end is 1.0; allowed is at most lr"),
        ({"ema": 1.0}, "ema is 1.0"),
        ({"warmup": 20_000}, "warmup is 20000; allowed is 0 to 19999"),
        ({"grad_clip": float("nan")}, "grad_clip is nan"),
        ({"loss": "l2"}, "loss is 'l2'; allowed are l1, l1"),
        ({"schedule": "step"}, "schedule is 'step'"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_a_setting_out_of_bounds_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(HnasError, match=message):
        TrainingSettings(**change)


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(HnasError, match=r"devices is 0"):
        start_fabric(DeviceSettings(devices=0))
    if not torch.cuda.is_available():
        with pytest.raises(HnasError, match=r"of the kind 'cuda'.*--accelerator cpu"):
            start_fabric(DeviceSettings(accelerator="cuda"))


def test_what_starting_processes_prints_from_c_stays_off_stdout(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As gloo of torch 2.9 does; stdout is for results."""
    monkeypatch.setattr(Fabric, "launch", lambda self: os.write(1, b"whom gloo found\n"))
    start_fabric(DeviceSettings(accelerator="cpu", devices=2))
    os.write(1, b"a result\n")
    out, err = capfd.readouterr()
    assert out == "a result\n"
    assert err.endswith("whom gloo found\n")


def test_bf16_mixed_computes_in_bfloat16_and_keeps_float_weights() -> None:
    fabric = start_fabric(DeviceSettings(accelerator="cpu", precision="bf16-mixed"))
    model = fabric.setup_module(nn.Conv2d(3, 3, 1))
    with fabric.autocast():
        inside = nn.functional.conv2d(torch.ones(1, 3, 2, 2), model.weight)
    assert inside.dtype == torch.bfloat16
    assert model.weight.dtype == torch.float32
    assert model(torch.ones(1, 3, 2, 2)).dtype == torch.float32
