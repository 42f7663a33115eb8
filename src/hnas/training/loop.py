"""The training loop: one for every network, on one device or several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median_low
from time import perf_counter
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import nn

from hnas.data.same_pictures import Listing, refuse_other_pictures
from hnas.errors import HnasError
from hnas.nets import seen_by
from hnas.training.checkpoint import (
    load_checkpoint,
    log_lengths,
    random_states,
    restore_random_states,
    save_checkpoint,
    taking_up,
)
from hnas.training.devices import on_first_process, start_fabric
from hnas.training.ema import Ema
from hnas.training.graph import Step, graph_where_faster
from hnas.training.losses import LOSSES
from hnas.training.optimizers import build_optimizer
from hnas.training.precision import go_on_in_float32, settle_precision
from hnas.training.run_folder import RunFolder
from hnas.training.settings import DeviceSettings, TrainingSettings, learning_rate
from hnas.values import mapping, number, sequence, whole_number

#: PSNR in dB of a network on pictures that it does not train on.
Validation = Callable[[nn.Module], float]
#: Called after every step with its number (from 1) and the last line of the log.
StepProgress = Callable[[int, Mapping[str, Any]], None]


class Sampler(Protocol):
    """Gives the batch of a step: LR and HR, (N, 3, H, W) float32 in [0, 1]; a function of step and process alone."""

    def batch(
        self, step: int, rank: int = 0, *, device: torch.device | str = "cpu"
    ) -> tuple[torch.Tensor, torch.Tensor]: ...

    def is_on(self, device: torch.device | str) -> bool:
        """Whether batches are made on that device, with nothing to copy ahead of time."""
        ...


@dataclass(frozen=True)
class TrainingResult:
    """What came out of a training.

    Attributes:
        step: the step whose weights were kept: the best by validation, or the last without one.
        psnr: dB on the validation pictures at that step; None without validation.
        loss: mean loss since the line of the log before the last.
        seconds: time spent, pieces before a resume included.
        finished: whether all steps were done; otherwise ``max_minutes`` ended the training after ``step``, and ``psnr``
            is the best so far.
    """

    step: int
    psnr: float | None
    loss: float
    seconds: float
    finished: bool = True


@dataclass
class _Place:
    """How far a training is: all of its state that is no tensor of network, optimiser or average."""

    step: int = 0
    seconds: float = 0.0
    line: dict[str, Any] = field(default_factory=dict)
    pending: list[torch.Tensor] = field(default_factory=list)  # losses since the last line of the log
    best: dict[str, Any] | None = None  # step, psnr, weights


def train(
    model: nn.Module,
    sampler: Sampler,
    settings: TrainingSettings,
    run: RunFolder,
    *,
    validation: Validation | None = None,
    fabric: Fabric | None = None,
    resume: bool = False,
    progress: StepProgress | None = None,
    start: Mapping[str, Any] | None = None,
    pictures: Mapping[str, Listing] | None = None,
) -> TrainingResult:
    """Trains a network in place and leaves the weights that are to be kept in it.

    With validation, those are the ones that validated best, otherwise the last; averaged ones where ``settings.ema``
    is on. On one CPU a training that was killed and resumed ends with the very bits of one that was not, and so does
    one that ``settings.max_minutes`` ended, which leaves its state on disk and the weights as they are.

    Args:
        model: (N, 3, H, W) RGB in [0, 1] to (N, 3, scale * H, scale * W).
        sampler: see :class:`hnas.data.patches.PatchSampler`.
        settings: the recipe.
        run: an open run folder, which gets log lines and checkpoints.
        validation: never a benchmark that is reported later: it chooses the weights.
        fabric: the devices; by default one, a GPU where there is one.
        resume: go on from the folder's checkpoint if it has one.
        progress: called after every step, in the first process.
        start: a line for the log of a training that starts from nothing.
        pictures: what it is trained and validated on, which a training that goes on must have too.

    Raises:
        HnasError: the state on disk is damaged, of another run or of other pictures; the loss or a weight is not
            finite (the last good state stays on disk); the disk is full.
    """
    fabric = fabric or start_fabric(DeviceSettings())
    model.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.train()
    optimizer = build_optimizer(settings.optimizer, model.parameters(), settings.lr)
    ema = Ema(model, settings.ema) if settings.ema else None
    place = _Place()
    if resume:
        state = load_checkpoint(run.checkpoint)
        with taking_up(run.checkpoint):
            if state:
                refuse_other_pictures(state["pictures"], pictures or {}, where="this run")
                _restore(state, model, optimizer, ema, place, fabric)
            lengths = log_lengths(state)
        on_first_process(fabric, lambda: run.cut_logs(lengths))
    if start and place.step == 0:
        on_first_process(fabric, lambda: run.append(start))
    settle_precision(fabric, run, step=place.step, channels=_width(model), patch=settings.patch, batch=settings.batch)
    trained, fabric_optimizer = fabric.setup(model, optimizer)
    averaged = ema.model if ema else model
    loss_of, seen = LOSSES[settings.loss], seen_by(model)
    began = perf_counter()
    started = began - place.seconds

    def update(lr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = loss_of(trained(seen(lr)), seen(hr))
        fabric.backward(loss)
        if settings.grad_clip:
            fabric.clip_gradients(trained, fabric_optimizer, max_norm=settings.grad_clip, error_if_nonfinite=False)
        fabric_optimizer.step()
        fabric_optimizer.zero_grad()
        return loss.detach()

    def out_of_time() -> bool:
        return perf_counter() - began >= 60 * settings.max_minutes

    use_graph = settings.graph == "auto" and fabric.device.type == "cuda" and fabric.world_size == 1

    def way_to_step() -> Step:
        return graph_where_faster(update, optimizer, fabric.device) if use_graph else update

    step = way_to_step()
    full_precision_from = round(settings.steps * (1 - settings.float32_last))
    first = place.step

    for lr, hr in _batches(sampler, range(first, settings.steps), fabric):
        if place.step == max(first, full_precision_from):
            go_on_in_float32(fabric)
            step = way_to_step()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, place.step)
        loss = step(lr, hr)
        if ema:
            ema.update(model, place.step)
        place.step += 1
        place.pending.append(loss)

        last = place.step == settings.steps
        validate = validation is not None and (
            last or (settings.validate_every > 0 and place.step % settings.validate_every == 0)
        )
        stop = not last and settings.max_minutes > 0 and on_first_process(fabric, out_of_time)
        checkpoint = last or stop or place.step % settings.checkpoint_every == 0
        if validate or checkpoint or place.step % settings.log_every == 0:
            losses = _finite_losses(place, fabric, run)
            place.seconds = perf_counter() - started
            if validate or last or place.step % settings.log_every == 0:
                place.line = {
                    "phase": "train",
                    "step": place.step,
                    "loss": float(losses.mean()),
                    "lr": learning_rate(settings, place.step - 1),
                    "seconds": round(place.seconds, 3),
                }
                if validate and validation is not None:
                    place.line["psnr"] = _validate(averaged, validation, place, fabric)
                on_first_process(fabric, lambda: run.append(place.line))
                place.pending = []
            if checkpoint:
                _save(model, optimizer, ema, place, fabric=fabric, run=run, pictures=pictures or {})
        if progress and fabric.is_global_zero:
            progress(place.step, place.line)
        if stop:
            best = place.best["psnr"] if place.best else None
            return TrainingResult(place.step, best, float(losses.mean()), place.seconds, finished=False)

    kept = place.best["weights"] if place.best else averaged.state_dict()
    model.load_state_dict(kept)
    model.eval()
    return TrainingResult(
        step=place.best["step"] if place.best else place.step,
        psnr=place.best["psnr"] if place.best else None,
        loss=place.line["loss"],
        seconds=place.seconds,
    )


def _width(model: nn.Module) -> int:
    """The channels that most convolutions give, by their median."""
    return median_low([module.out_channels for module in model.modules() if isinstance(module, nn.Conv2d)] or [16])


def _batches(sampler: Sampler, steps: range, fabric: Fabric) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches in turn; those that are copied to an accelerator are cut while it computes the two before."""
    if fabric.device.type == "cpu" or sampler.is_on(fabric.device):
        for step in steps:
            yield sampler.batch(step, fabric.global_rank, device=fabric.device)
        return
    ahead = 2
    with ThreadPoolExecutor(max_workers=1) as pool:

        def cut(step: int) -> Any:
            return pool.submit(sampler.batch, step, fabric.global_rank, device=fabric.device)

        waiting = [cut(step) for step in steps[:ahead]]
        for step in steps:
            if step + ahead < steps.stop:
                waiting.append(cut(step + ahead))
            yield waiting.pop(0).result()


def _finite_losses(place: _Place, fabric: Fabric, run: RunFolder) -> torch.Tensor:
    """The losses since the last line of the log, averaged over the processes; none of them may be NaN or infinite."""
    pending = [loss.to(fabric.device) for loss in place.pending]  # those before a checkpoint are on the CPU
    losses = fabric.all_reduce(torch.stack(pending), reduce_op="mean")
    assert isinstance(losses, torch.Tensor)
    losses = losses.cpu()
    place.pending = list(losses)
    wrong = (~losses.isfinite()).nonzero()
    if len(wrong):
        first = int(wrong[0])
        _stop(f"the loss is {float(losses[first])}", place.step - len(losses) + 1 + first, run)
    return losses


def _stop(what: str, step: int, run: RunFolder) -> None:
    raise HnasError(
        f"{run.path}: {what} at step {step}, so the training stopped; the last good state is kept in "
        f"{run.checkpoint}; lower --lr or limit the gradients with --grad-clip, and start anew with --overwrite"
    )


@torch.no_grad()
def _validate(model: nn.Module, validation: Validation, place: _Place, fabric: Fabric) -> float:
    training = model.training
    model.eval()
    psnr = float(on_first_process(fabric, lambda: validation(model)))
    model.train(training)
    if place.best is None or psnr > place.best["psnr"]:
        weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
        place.best = {"step": place.step, "psnr": psnr, "weights": weights}
    return psnr


def _save(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    ema: Ema | None,
    place: _Place,
    *,
    fabric: Fabric,
    run: RunFolder,
    pictures: Mapping[str, Listing],
) -> None:
    if not all(bool(weight.isfinite().all()) for weight in model.parameters()):
        _stop("a weight is not finite", place.step, run)
    generators: list[Any] = [random_states()]
    if fabric.world_size > 1:
        generators = [None] * fabric.world_size
        torch.distributed.all_gather_object(generators, random_states())
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "ema": ema.model.state_dict() if ema else None,
        "place": vars(place),
        "generators": generators,
        "pictures": dict(pictures),
    }
    on_first_process(fabric, lambda: save_checkpoint(run.checkpoint, {**state, "log_lengths": run.log_lengths()}))


def _read_place(values: Mapping[str, Any]) -> _Place:
    """What a state says of the place.

    Raises:
        HnasError, TypeError, KeyError: it is none.
    """
    place = _Place(**values)
    whole_number("step", place.step)
    number("seconds", place.seconds)
    number("loss", mapping("line", place.line).get("loss", 0.0))
    for loss in sequence("pending", place.pending):
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            raise HnasError("a loss is no number")
    if place.best is not None:
        whole_number("the best step", place.best["step"])
        number("the best PSNR", place.best["psnr"])
        mapping("the best weights", place.best["weights"])
    return place


def _restore(
    state: Mapping[str, Any],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    ema: Ema | None,
    place: _Place,
    fabric: Fabric,
) -> None:
    if len(state["generators"]) != fabric.world_size:
        raise HnasError(
            f"this run was started with {len(state['generators'])} process(es), now there are {fabric.world_size}; "
            "resume with the same --devices"
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    if ema:
        ema.model.load_state_dict(state["ema"])
    vars(place).update(vars(_read_place(state["place"])))
    restore_random_states(state["generators"][fabric.global_rank])
