"""What a training does, and where, apart from the network and the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Literal, get_args

from hnas.bounds import refuse_below, refuse_no_part, refuse_not_above_zero, refuse_unlisted
from hnas.data.degradations import read_degradation
from hnas.errors import HnasError

LossName = Literal["l1", "l1+fft"]
OptimizerName = Literal["adam", "muon"]
Schedule = Literal["cosine", "one-cycle"]
#: What is computed in: float32, or most of it in bfloat16 with weights in float32.
Precision = Literal["32-true", "bf16-mixed"]


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """The recipe of one training; the paper's is L1 and Adam with the rate falling from 1e-3 to 1e-5 by a cosine.

    Attributes:
        steps: updates of the weights in all.
        batch: patches per step and process.
        patch: side of an LR patch, pixels.
        shrunk: the pictures are also trained on as copies of these parts of their size, such as 0.7 and 0.5.
        enlarged: and as copies of so many times their size, such as 1.4, at most 4. Those have no true picture, so they
            need a teacher with a weight of 1.
        degradation: what the small pictures of further copies went through, such as "jpeg:30-95"; see
            :mod:`hnas.data.degradations`. Validation measures one such copy of every picture.
        degraded_copies: so many of each picture, beside the clean one.
        optimizer: "adam" (paper), or "muon", which goes further in as many steps (docs/recipe.md).
        lr: highest learning rate.
        lr_end: learning rate of the last step.
        schedule: "cosine" falls from ``lr`` to ``lr_end``; "one-cycle" (Smith and Topin, 2018) first rises from
            ``lr / 25`` over the first 30 % of the steps.
        warmup: steps over which a "cosine" schedule first rises linearly; 0 is none.
        loss: mean absolute error, or that plus 0.05 times the same on the spectrum.
        ema: decay of the running average of the weights that is validated and kept; 0 keeps the weights themselves.
        float32_last: part of the steps, at the end, that are computed in float32 whatever the precision before.
        teacher: a trained model of the same scale (weights file, run folder, or the name of one in the package) whose
            enlarged pictures the network learns to make; none by default.
        teacher_weight: part of the patches whose target is the teacher's picture; the rest have the true one.
        grad_clip: largest norm of all gradients together; 0 is no limit.
        seed: for the weights' start and the patches.
        log_every: steps between lines of the log.
        validate_every: steps between validations; 0 validates only at the end.
        checkpoint_every: steps between full states on disk.
        max_minutes: after so many minutes of training a run ends early with a full state, to be gone on from; 0 is no
            limit.
        graph: "auto" computes the steps on one CUDA GPU as a CUDA graph where that is faster, by a measurement over
            the first steps; "off" never does.

    Raises:
        HnasError: a value outside its bounds.
    """

    steps: int = 20_000
    batch: int = 16
    patch: int = 48
    shrunk: tuple[float, ...] = ()
    enlarged: tuple[float, ...] = ()
    degradation: str = ""
    degraded_copies: int = 1
    optimizer: OptimizerName = "adam"
    lr: float = 1e-3
    lr_end: float = 1e-5
    schedule: Schedule = "cosine"
    warmup: int = 0
    loss: LossName = "l1"
    ema: float = 0.0
    float32_last: float = 0.0
    teacher: str = ""
    teacher_weight: float = 1.0
    grad_clip: float = 0.0
    seed: int = 0
    log_every: int = 10
    validate_every: int = 1000
    checkpoint_every: int = 500
    max_minutes: float = 0.0
    graph: Literal["auto", "off"] = "auto"

    def __post_init__(self) -> None:
        refuse_below(1, self, "steps", "batch", "patch", "log_every", "checkpoint_every", "degraded_copies")
        refuse_below(0, self, "validate_every", "seed", "grad_clip", "lr_end", "max_minutes")
        refuse_not_above_zero(self, "lr")
        refuse_unlisted(self)
        if self.lr_end > self.lr:
            raise HnasError(f"lr_end is {self.lr_end}; allowed is at most lr, which is {self.lr}")
        if not 0 <= self.ema < 1:
            raise HnasError(f"ema is {self.ema}; allowed is 0 (off) up to, but not, 1 (0.999 is usual)")
        if not 0 <= self.float32_last <= 1:
            raise HnasError(f"float32_last is {self.float32_last}; allowed is 0 (off) to 1 (all steps)")
        refuse_no_part(self, "teacher_weight")
        refuse_no_shrinking(self.shrunk)
        if wrong := [factor for factor in self.enlarged if not 1 < factor <= 4]:
            raise HnasError(f"enlarged is {wrong[0]:g}; allowed are times a picture's size above 1 and up to 4")
        if self.enlarged and not (self.teacher and self.teacher_weight == 1):
            raise HnasError("enlarged copies have no true picture: they need a teacher, and teacher_weight 1")
        read_degradation(self.degradation)
        if not 0 <= self.warmup < self.steps:
            raise HnasError(f"warmup is {self.warmup}; allowed is 0 to {self.steps - 1} (below the number of steps)")


def refuse_no_shrinking(factors: tuple[float, ...]) -> None:
    """Raises :class:`HnasError` for a factor that makes nothing smaller."""
    if wrong := [factor for factor in factors if not 0 < factor < 1]:
        raise HnasError(f"shrunk is {wrong[0]:g}; allowed are parts of a picture's size above 0 and below 1")


@dataclass(frozen=True, kw_only=True)
class DeviceSettings:
    """The device of a search or a training.

    Attributes:
        accelerator: kind of device; "auto" takes a GPU where there is one.
        devices: how many; each is a process of its own, with patches and genotypes of its own.
        precision: "bf16-mixed" computes most of it in bfloat16; "auto" does so where that is clearly faster, by a
            measurement of about a second at the start of the run.

    Raises:
        HnasError: an unknown precision.
    """

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = 1
    precision: Precision | Literal["auto"] = "32-true"

    def __post_init__(self) -> None:
        if self.precision not in (*get_args(Precision), "auto"):
            raise HnasError(f"precision is {self.precision!r}; allowed are {', '.join(get_args(Precision))}, auto")


def cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine from ``start`` (progress 0) to ``end`` (progress 1), as in SGDR (Loshchilov and Hutter, eq. 5)."""
    return end + (start - end) * (1 + cos(pi * min(max(progress, 0.0), 1.0))) / 2


def learning_rate(settings: TrainingSettings, step: int) -> float:
    """The learning rate of the step-th update, counted from 0: a function of the step, so there is no state to save."""
    return scheduled(
        settings.schedule, settings.lr, settings.lr_end, step=step, steps=settings.steps, warmup=settings.warmup
    )


def scheduled(schedule: Schedule, lr: float, lr_end: float, *, step: int, steps: int, warmup: int = 0) -> float:
    """The learning rate of the step-th of so many updates, counted from 0; see :class:`TrainingSettings`."""
    rising = max(0.3 * steps - 1, 0) if schedule == "one-cycle" else warmup
    if step < rising:
        if schedule == "one-cycle":
            return cosine(lr / 25, lr, step / rising)
        return lr * (step + 1) / (warmup + 1)
    return cosine(lr, lr_end, (step - rising) / max(steps - 1 - rising, 1))
