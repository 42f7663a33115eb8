"""A tiny training that tests run in this process and in others."""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hnas.data.folders import Pair
from hnas.data.patches import PatchSampler
from hnas.training.devices import on_first_process, start_fabric
from hnas.training.loop import Validation, train
from hnas.training.run_folder import open_run
from hnas.training.settings import DeviceSettings, TrainingSettings

SETTINGS = TrainingSettings(
    steps=40, batch=2, patch=8, lr=1e-2, ema=0.9, log_every=4, validate_every=9, checkpoint_every=7, seed=3
)


class Tiny(nn.Module):
    """A convolution, dropout (so that the random state matters) and a sub-pixel convolution, x2."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.tail = nn.Conv2d(8, 12, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = nn.functional.dropout(self.head(x).relu(), 0.1, self.training)
        return nn.functional.pixel_shuffle(self.tail(hidden), 2)


class NanSampler(PatchSampler):
    """Gives NaN at one step, counted from 1."""

    nan_at: int | None = None

    def batch(
        self, step: int, rank: int = 0, *, device: torch.device | str = "cpu"
    ) -> tuple[torch.Tensor, torch.Tensor]:
        lr, hr = super().batch(step, rank, device=device)
        return (lr * torch.nan if step + 1 == self.nan_at else lr), hr


def pairs(count: int = 3, side: int = 16) -> list[Pair]:
    """Pictures of noise: HR of twice the side, LR its every second pixel."""
    draw = np.random.default_rng(1)
    pictures = [draw.integers(256, size=(2 * side, 2 * side, 3), dtype=np.uint8) for _ in range(count)]
    return [Pair(f"picture-{index}", hr, hr[::2, ::2].copy()) for index, hr in enumerate(pictures)]


def validation(model: nn.Module) -> float:
    """PSNR in dB on one more picture of noise."""
    pair = pairs(4)[3]
    lr, hr = (torch.from_numpy(a).permute(2, 0, 1)[None].float() / 255 for a in (pair.lr, pair.hr))
    return float(-10 * torch.log10(nn.functional.mse_loss(model(lr), hr)))


def run_example(
    folder: Path,
    *,
    resume: bool = False,
    settings: TrainingSettings = SETTINGS,
    devices: int = 1,
    validate: Validation | None = validation,
    pause: float = 0.0,
    nan_at: int | None = None,
) -> str:
    """Trains and returns a hash of the weights; ``python example.py`` does the same in a process of its own."""
    torch.set_num_threads(1)
    fabric = start_fabric(DeviceSettings(accelerator="cpu", devices=devices))
    run = on_first_process(
        fabric, lambda: open_run(folder, {"command": "train", **asdict(settings)}, result="weights.txt", resume=resume)
    )
    torch.manual_seed(settings.seed)
    model = Tiny()
    sampler = NanSampler(pairs(), scale=2, patch=settings.patch, batch=settings.batch, seed=settings.seed)
    sampler.nan_at = nan_at
    result = train(
        model,
        sampler,
        settings,
        run,
        validation=validate,
        fabric=fabric,
        resume=resume,
        progress=lambda step, line: time.sleep(pause),
    )
    digest = hashlib.sha256(b"".join(value.numpy().tobytes() for value in model.state_dict().values())).hexdigest()
    if result.finished and fabric.is_global_zero:
        (run.path / run.result).write_text(digest)
    return digest


def _die_in_checkpoint(after: int) -> None:
    """Kills this process in the checkpoint after so many others, when the new file is written but not yet in place."""
    replace, done = Path.replace, 0

    def dying(source: Path, target: Path) -> Path:
        nonlocal done
        if target.name == "state.pt":
            if done == after:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
        return replace(source, target)

    Path.replace = dying  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between steps, so that a kill can hit")
    parser.add_argument("--die-in-checkpoint", type=int)
    args = parser.parse_args()
    if args.die_in_checkpoint is not None:
        _die_in_checkpoint(args.die_in_checkpoint)
    run_example(args.folder, resume=args.resume, devices=args.devices, pause=args.pause)
