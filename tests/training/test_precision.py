"""Which precision a run computes in: as asked, or chosen once by a measurement and kept. How fast is not tested."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from hnas.data.patches import PatchSampler
from hnas.errors import HnasError
from hnas.training import precision
from hnas.training.devices import start_fabric
from hnas.training.loop import train
from hnas.training.precision import choose_precision, computes_in, measured_gain, remembered_precision, settle_precision
from hnas.training.run_folder import RunFolder
from hnas.training.settings import DeviceSettings
from tests.training.example import SETTINGS, Tiny, pairs

CPU = torch.device("cpu")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path, "weights.safetensors")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the next measurements will find; empty, none may happen."""
    gains: list[float] = []
    monkeypatch.setattr(precision, "measured_gain", lambda *_: gains.pop(0))
    monkeypatch.setattr(precision, "knows_bf16", lambda _: True)
    return gains


def _settle(run: RunFolder, wish: str, *, step: int = 0) -> str:
    fabric = start_fabric(DeviceSettings(accelerator="cpu", precision=wish))  # type: ignore[arg-type]
    settle_precision(fabric, run, step=step, channels=16, patch=24, batch=8)
    return computes_in(fabric)


@pytest.mark.parametrize(
    ("gain", "chosen"), [(0.4, "32-true"), (1.09, "32-true"), (1.1, "bf16-mixed"), (2.4, "bf16-mixed")]
)
def test_bfloat16_is_chosen_where_it_is_clearly_faster(
    run: RunFolder, measured: list[float], gain: float, chosen: str
) -> None:
    measured.append(gain)
    assert _settle(run, "auto") == chosen
    (line,) = run.lines()
    assert (line["phase"], line["step"], line["precision"]) == ("precision", 0, chosen)
    assert f"16 channels on 8 patches of 24x24 train {gain:.2f} times as fast" in line["why"]


def test_a_processor_without_bfloat16_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "knows_bf16", lambda _: False)
    choice = choose_precision(CPU, 16, 24, 8, lambda *_: pytest.fail("measured"))
    assert choice.precision == "32-true"
    assert choose_precision(torch.device("mps"), 16, 24, 8).precision == "32-true"


@pytest.mark.parametrize(("native", "chosen"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_gpu_is_asked_whether_it_has_it(monkeypatch: pytest.MonkeyPatch, native: bool, chosen: str) -> None:
    asked: dict[str, Any] = {}

    def supported(**how: Any) -> bool:
        asked.update(how)
        return native

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert choose_precision(torch.device("cuda"), 16, 24, 8).precision == chosen
    assert asked == {"including_emulation": False}


def test_a_resumed_run_goes_on_with_the_choice_of_its_start(run: RunFolder, measured: list[float]) -> None:
    measured.append(1.5)
    assert _settle(run, "auto") == "bf16-mixed"
    assert _settle(run, "auto", step=7) == "bf16-mixed"  # would measure, and fail, were it not remembered
    assert len(run.lines()) == 1
    assert _settle(run, "32-true", step=9) == "32-true"
    assert _settle(run, "auto", step=12) == "32-true"
    assert [line["step"] for line in run.lines()] == [0, 9]


def test_a_run_that_began_without_a_choice_was_in_float32(run: RunFolder, measured: list[float]) -> None:
    assert _settle(run, "32-true") == "32-true"
    assert run.lines() == []
    assert remembered_precision(run) is None
    assert _settle(run, "auto", step=3) == "32-true"
    assert _settle(run, "bf16-mixed", step=3) == "bf16-mixed"
    assert remembered_precision(run) == "bf16-mixed"


def test_the_measurement_gives_a_ratio_and_draws_nothing() -> None:
    state = torch.get_rng_state()
    assert measured_gain(CPU, 2, 4, 1) > 0
    assert torch.equal(torch.get_rng_state(), state)


def test_pictures_stay_in_float32_and_come_back_in_it() -> None:
    seen: list[torch.dtype] = []

    class Look(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x.dtype)
            made: torch.Tensor = self.conv(x)
            seen.append(made.dtype)
            return made

    fabric = start_fabric(DeviceSettings(accelerator="cpu", precision="bf16-mixed"))
    assert fabric.setup_module(Look())(torch.ones(1, 3, 2, 2)).dtype == torch.float32
    assert seen == [torch.float32, torch.bfloat16]


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(HnasError, match="precision is 'half'; allowed are 32-true, bf16-mixed, auto"):
        DeviceSettings(precision="half")  # type: ignore[arg-type]


@pytest.mark.parametrize("resumed_after", [0, 2, 4])
def test_the_last_steps_are_computed_in_float32_if_asked(tmp_path: Path, resumed_after: int) -> None:
    used: list[torch.dtype] = []

    class Seen(Tiny):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = super().forward(x)
            used.append(y.dtype)
            return y

    settings = replace(SETTINGS, steps=6, float32_last=0.5, checkpoint_every=1, validate_every=0, warmup=0)
    folder = RunFolder(tmp_path, "weights.safetensors")
    sampler = PatchSampler(pairs(), scale=2, patch=8, batch=2, seed=0)

    def go_on(until: int) -> None:
        def stop(step: int, line: Any) -> None:
            if step == until < 6:
                raise KeyboardInterrupt

        fabric = start_fabric(DeviceSettings(accelerator="cpu", precision="bf16-mixed"))
        train(Seen(), sampler, settings, folder, fabric=fabric, resume=True, progress=stop)

    if resumed_after:
        with pytest.raises(KeyboardInterrupt):
            go_on(resumed_after)
    go_on(6)
    assert used == 3 * [torch.bfloat16] + 3 * [torch.float32]
