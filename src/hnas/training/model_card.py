"""The card beside a shipped model: where it comes from, what it costs, what it gives; nothing is typed by hand."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hnas.data.folders import find_sets, load_set
from hnas.errors import HnasError
from hnas.evaluation.benchmark import evaluate_model
from hnas.files import write_atomically
from hnas.nets import LR_SIZE, NetworkSettings, measure_latency, model_cost
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.training.train_network import WEIGHTS, TrainingJob
from hnas.weights import load_model, read_weights

FORMAT = "hnas-model-card/1"


def model_card(name: str, weights: Path, *, job: TrainingJob, benchmarks: Path | None = None) -> dict[str, Any]:
    """Measures a trained model and gathers what is known of it, as JSON values.

    Args:
        name: the model's.
        weights: its file.
        job: how it was trained.
        benchmarks: a folder with data sets (or one); each is measured in a single pass and with x8 self-ensemble.

    Raises:
        HnasError: the weights or pictures cannot be read.
    """
    file = read_weights(weights)
    model = load_model(weights)
    scale = job.network.scale
    cost = model_cost(model, lr_size=LR_SIZE)
    latency = measure_latency(model, lr_size=LR_SIZE)
    results = {}
    for pictures in find_sets(benchmarks) if benchmarks else []:
        result = evaluate_model(model, load_set(pictures, scale), scale=scale, self_ensemble=True)
        results[pictures.name] = {
            "psnr": result.psnr,
            "ssim": result.ssim,
            "psnr_x8": result.psnr_x8,
            "ssim_x8": result.ssim_x8,
        }
    return {
        "format": FORMAT,
        "name": name,
        "scale": scale,
        "description": file.description,
        "provenance": file.provenance,
        "command": reproducing_command(name, job),
        "lr_size": list(LR_SIZE),
        "macs": cost.macs,
        "params": cost.params,
        "latency_ms": latency.median_ms,
        "latency_device": latency.device,
        "results": results,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }


def reproducing_command(name: str, job: TrainingJob) -> str:
    """The ``hnas train`` command that trains the same network again."""
    defaults = {**asdict(NetworkSettings()), **asdict(TrainingSettings()), **asdict(DeviceSettings())}
    words = ["hnas", "train", job.model]
    for option, value in job.config().items():
        if option in ("command", "model") or value in (None, "") or value == defaults.get(option):
            continue
        for item in value if isinstance(value, list) else [value]:
            words += [f"--{option.replace('_', '-')}", str(item)]
    return shlex.join([*words, "--run-dir", f"runs/{name}"])


def export_zoo(
    jobs: Mapping[str, TrainingJob], runs: str | Path, output: str | Path, *, benchmarks: Path | None = None
) -> list[dict[str, Any]]:
    """Writes ``<name>.safetensors`` and its card ``<name>.json`` for every finished model of a plan.

    Args:
        jobs: see :func:`hnas.training.zoo.read_plan`.
        runs: the folder of their run folders.
        output: the folder for the files; models that are there already are written anew.
        benchmarks: see :func:`model_card`.

    Returns:
        The cards.

    Raises:
        HnasError: none is finished, or a file cannot be read or written.
    """
    output = Path(output)
    finished = {name: job for name, job in jobs.items() if (Path(runs) / name / WEIGHTS).exists()}
    if not finished:
        raise HnasError(f"{runs}: no model of the plan is finished; train them first with `hnas zoo train`")
    output.mkdir(parents=True, exist_ok=True)
    cards = []
    for name, job in finished.items():
        weights = Path(runs) / name / WEIGHTS
        card = model_card(name, weights, job=job, benchmarks=benchmarks)
        write_atomically(output / f"{name}.safetensors", weights.read_bytes())
        write_atomically(output / f"{name}.json", json.dumps(card, indent=2) + "\n")
        cards.append(card)
    return cards
