"""A ready network trained on for a while on a person's own pictures, and handed on only where that helped.

Needs torch and onnx.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from torch import nn

from hnas.data.folders import Pair, load_pairs, summary
from hnas.data.patches import PatchSampler
from hnas.deploy.design.family import Candidate, write_card_of
from hnas.deploy.export.shipping import write_halved
from hnas.deploy.running.torch_backend import torch_threads
from hnas.errors import HnasError
from hnas.evaluation.benchmark import evaluate_model
from hnas.extras import need
from hnas.run_files import WEIGHTS
from hnas.training.loop import StepProgress, train
from hnas.training.run_folder import RunFolder, open_run
from hnas.training.settings import TrainingSettings
from hnas.weights import load_model, read_weights, save_model

#: Of every so many pictures one is held out, at least one and at most so many in all.
_EVERY, _MOST_HELD_OUT = 10, 24
#: Begins at this part of the learning rate that the network was trained with.
_RATE = 0.3
#: A second one makes steps as small as these a little faster on a quiet machine, and many times slower on a busy one.
_THREADS = 1
#: Steps that warm up, and those that tell how long one takes.
_UNSEEN, _TRIAL = 3, 10
#: Validations, fewer where they would take more than this part of the time; steps take this part of what is left.
_VALIDATIONS, _VALIDATING, _STEPPING = 5, 0.15, 0.9
_PATCH = 32


@dataclass(frozen=True)
class Tuned:
    """What a training on brought.

    Attributes:
        candidate: the network with its new weights and files.
        before: dB on Y, mean over the pictures held out, as it was.
        after: the same as it is.
        pictures: trained on.
        held_out: pictures.
        steps: of the training.
        seconds: of all of it.
    """

    candidate: Candidate
    before: float
    after: float
    pictures: int
    held_out: int
    steps: int
    seconds: float

    @property
    def helped(self) -> bool:
        """Whether the new weights are better on the pictures held out."""
        return self.after > self.before

    def as_dict(self) -> dict[str, Any]:
        """All but the network as JSON values."""
        names = ("before", "after", "pictures", "held_out", "steps")
        return {**{name: getattr(self, name) for name in names}, "seconds": round(self.seconds), "kept": self.helped}


def read_split(data: Path, scale: int) -> tuple[list[Pair], list[Pair]]:
    """The pictures of a folder, to train on and held out, every tenth of them.

    Low-resolution pictures are those beside the originals where there are such, else MATLAB's bicubic.

    Raises:
        HnasError: fewer than two pictures, or one that cannot be read.
    """
    pairs = load_pairs(data, scale)
    if len(pairs) < 2:
        raise HnasError(f"{data}: one picture; two or more are needed, to train on and to hold out")
    step = max(min(_EVERY, len(pairs)), -(-len(pairs) // _MOST_HELD_OUT))
    held_out = pairs[step - 1 :: step]
    taken = {id(pair) for pair in held_out}
    return [pair for pair in pairs if id(pair) not in taken], held_out


def tune(
    one: Candidate,
    pictures: Sequence[Pair],
    held_out: Sequence[Pair],
    folder: Path,
    *,
    seconds: float,
    data: str = "",
    on_plan: Callable[[int], StepProgress | None] = lambda steps: None,
) -> Tuned:
    """Trains a network on from its weights for about so long; the weights that validate best are kept.

    The learning rate falls from three tenths of that of its own training, by a cosine, over as many steps as there
    is time for by a short trial.

    Args:
        one: the network.
        pictures: to train on.
        held_out: to validate on.
        folder: where its new files are written.
        seconds: for all of it.
        data: what the pictures are called, for the card.
        on_plan: told the number of steps before the first; gives what is called after each.

    Raises:
        HnasError: a picture is smaller than a patch, the package onnx is missing, or the loss is not finite.
    """
    need("onnx")
    began = perf_counter()
    file = read_weights(one.weights)
    model = load_model(one.weights)

    def psnr(network: nn.Module) -> float:
        return evaluate_model(network, held_out, scale=one.scale).psnr

    before, validation_seconds = _timed(lambda: psnr(model))
    validations = max(1, min(_VALIDATIONS, int(_VALIDATING * seconds / validation_seconds)))
    recipe = _recipe(file.provenance, pictures)
    sampler = PatchSampler(pictures, scale=one.scale, patch=recipe.patch, batch=recipe.batch, seed=recipe.seed)
    with torch_threads(_THREADS):
        step_seconds = _step_seconds(model, sampler, recipe, folder)
    left = seconds - (perf_counter() - began) - (validations + 1) * validation_seconds
    left = max(left, seconds / 2)  # what has no time for half of it is late, and no reason to train for nothing
    steps = max(1, int(_STEPPING * left / step_seconds))
    settings = replace(
        recipe,
        steps=steps,
        validate_every=-(-steps // validations),
        max_minutes=left / 60,  # a machine may become busier than it was in the trial
    )
    best: dict[str, Any] = {"psnr": float("-inf")}

    def validate(network: nn.Module) -> float:
        if (found := psnr(network)) > best["psnr"]:
            best.update(psnr=found, weights=deepcopy(network.state_dict()))
        return found

    run, progress = _open(folder / "run"), on_plan(steps)
    with torch_threads(_THREADS):
        result = train(model, sampler, settings, run, validation=validate, progress=progress)
    if "weights" in best:  # those of a training that ran out of time too
        model.load_state_dict(best["weights"])
    model.eval()
    name = f"{one.name}-tuned"
    found = replace(one, name=name, results={}, weights=folder / f"{name}.safetensors")
    tuned = {"data": [{"folder": data, **summary(pictures)}], "steps": result.step, "lr": settings.lr}
    provenance = {**file.provenance, "tuned": tuned}
    save_model(folder / "trained", model, provenance)
    write_halved(folder / "trained", found.weights, found.graph)
    after = psnr(load_model(found.weights))
    write_card_of(found, one, {"results": {}, "provenance": provenance})
    return Tuned(found, before, after, len(pictures), len(held_out), result.step, perf_counter() - began)


def _timed(work: Callable[[], float]) -> tuple[float, float]:
    """What it gives, and the seconds that it took."""
    began = perf_counter()
    return work(), perf_counter() - began


def _step_seconds(model: nn.Module, sampler: PatchSampler, recipe: TrainingSettings, folder: Path) -> float:
    """What a step takes, by a few on a copy."""
    for steps in (_UNSEEN, _TRIAL):
        found = train(deepcopy(model), sampler, replace(recipe, steps=steps), _open(folder / f"trial-{steps}"))
    return found.seconds / steps


def _recipe(provenance: Mapping[str, Any], pictures: Sequence[Pair]) -> TrainingSettings:
    """How the network was trained, as far as its weights say, at a lower rate and without what needs other pictures."""
    usual = TrainingSettings(batch=16, grad_clip=0.5)
    known = {name: provenance[name] for name in ("optimizer", "loss", "batch", "grad_clip") if name in provenance}
    smallest = min(min(pair.lr.shape[:2]) for pair in pictures)
    rate = _RATE * float(provenance.get("lr", usual.lr))
    return replace(
        usual,
        **known,
        lr=rate,
        lr_end=min(usual.lr_end, rate),
        ema=0.99,
        patch=min(_PATCH, smallest),
        validate_every=0,
        checkpoint_every=10**9,
    )


def _open(folder: Path) -> RunFolder:
    return open_run(folder, {"command": "tune"}, result=WEIGHTS)
