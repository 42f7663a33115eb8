"""Models for shipping: weights in half precision, the graph that runtimes take, and a card that says what they are.

Nothing on a card is typed by hand: every figure is measured from the files beside it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hnas.data.degradations import as_degraded
from hnas.data.folders import find_sets, load_set
from hnas.deploy.export.card import graph_path, write_card
from hnas.deploy.export.shipping import write_halved
from hnas.deploy.running.runtimes import onnx_session, runtime_version
from hnas.deploy.timing.turns import medians_in_turns
from hnas.errors import HnasError
from hnas.evaluation.benchmark import evaluate_model
from hnas.files import make_folder
from hnas.machine import processor
from hnas.nets import LR_SIZE, model_cost, model_scale
from hnas.run_files import WEIGHTS
from hnas.space.scales import RESTORATION
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.training.train_network import TrainingJob, settings_class
from hnas.weights import load_model, read_weights
from hnas.zoo.compressed import is_for_jpegs, when_compressed

#: Threads and rounds of the time on a card.
THREADS, ROUNDS = 2, 7


def model_card(name: str, weights: Path, onnx: Path, *, job: TrainingJob, benchmarks: Path | None) -> dict[str, Any]:
    """Measures a model's files and gathers what is known of it: the values of its card.

    Args:
        name: the model's.
        weights: its file.
        onnx: the same model as a graph; its time is that of onnxruntime with two threads.
        job: how it was trained.
        benchmarks: a folder with data sets (or one); each is measured in a single pass and with x8 self-ensemble, and
            where the training had JPEGs also compressed. At scale 1 pictures are degraded as those of the training.

    Raises:
        HnasError: the files or pictures cannot be read, or onnxruntime is missing.
    """
    file = read_weights(weights)
    model = load_model(weights)
    scale = model_scale(model)
    cost = model_cost(model, lr_size=LR_SIZE)
    results, compressed = {}, {}
    for pictures in find_sets(benchmarks) if benchmarks else []:
        pairs = load_set(pictures, scale)
        measured = as_degraded(pairs, job.settings.degradation, seed=0) if scale == RESTORATION else pairs
        result = evaluate_model(model, measured, scale=scale, self_ensemble=True)
        if is_for_jpegs(file.provenance):
            compressed[pictures.name] = when_compressed(model, pairs, scale)
        results[pictures.name] = {
            "psnr": result.psnr,
            "ssim": result.ssim,
            "psnr_x8": result.psnr_x8,
            "ssim_x8": result.ssim_x8,
        }
    return {
        "name": name,
        "scale": scale,
        "description": file.description,
        "provenance": file.provenance,
        "command": reproducing_command(name, job),
        "lr_size": list(LR_SIZE),
        "macs": cost.macs,
        "params": cost.params,
        "latency_ms": _milliseconds(onnx),
        "latency_device": f"{processor()}, {THREADS} threads, {runtime_version('onnx')}",
        "results": results,
        **({"compressed": compressed} if compressed else {}),
    }


def _milliseconds(onnx: Path) -> float:
    run, _ = onnx_session(onnx, threads=THREADS)
    picture = np.random.default_rng(0).random((1, 3, *LR_SIZE), np.float32)
    return 1e3 * medians_in_turns({"": lambda: lambda: run(picture)}, rounds=ROUNDS)[""]


def reproducing_command(name: str, job: TrainingJob) -> str:
    """The ``hnas train`` command that trains the same network again."""
    parts = settings_class(job.model)(), TrainingSettings(), DeviceSettings()
    defaults = {name: value for part in parts for name, value in asdict(part).items()}
    words = ["hnas", "train", job.model]
    for option, value in job.config().items():
        if option in ("command", "model") or value in (None, "") or value == defaults.get(option):
            continue
        for item in value if isinstance(value, list | tuple) else [value]:
            words += [f"--{option.replace('_', '-')}", str(item)]
    return shlex.join([*words, "--run-dir", f"runs/{name}"])


def export_zoo(
    jobs: Mapping[str, TrainingJob], runs: str | Path, output: str | Path, *, benchmarks: Path | None = None
) -> list[dict[str, Any]]:
    """Writes ``<name>.safetensors``, ``<name>.onnx`` and the card ``<name>.json`` for finished models of a plan.

    Args:
        jobs: see :func:`hnas.zoo.plans.read_plan`.
        runs: the folder of their run folders.
        output: the folder for the files; models that are there already are written anew.
        benchmarks: see :func:`model_card`.

    Returns:
        The cards.

    Raises:
        HnasError: none is finished, a file cannot be read or written, or a package for ONNX is missing.
    """
    output = Path(output)
    finished = {name: job for name, job in jobs.items() if (Path(runs) / name / WEIGHTS).exists()}
    if not finished:
        raise HnasError(f"{runs}: no model of the plan is finished; train them first with `hnas zoo train`")
    make_folder(output)
    cards = []
    for name, job in finished.items():
        weights = output / f"{name}.safetensors"
        onnx = graph_path(weights)
        write_halved(Path(runs) / name / WEIGHTS, weights, onnx)
        cards.append(write_card(weights, model_card(name, weights, onnx, job=job, benchmarks=benchmarks)))
    return cards
