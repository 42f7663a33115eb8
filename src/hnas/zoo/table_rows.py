"""Training the systems of Table II under one recipe and one seed: what the table's dagger means."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from hnas.errors import HnasError
from hnas.files import make_folder, write_atomically
from hnas.nets import NetworkOptions
from hnas.training.loop import StepProgress
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.training.train_network import TrainingJob
from hnas.workers import Workers
from hnas.zoo.plans import ZooStatus, train_zoo
from hnas.zoo.table_two import SCALE, System


def train_systems(
    systems: Sequence[System],
    runs: Path,
    *,
    data: tuple[Path, ...],
    val: Path | None,
    settings: TrainingSettings,
    device: DeviceSettings,
    workers: Workers | None = None,
    progress: Callable[[str, TrainingJob], StepProgress | None],
    report: Callable[[ZooStatus], None],
) -> list[ZooStatus]:
    """Trains systems, each into its run folder, each from where it stopped.

    Args:
        systems: those with a structure; the weights of each end up in ``runs/<slug>/weights.safetensors``.
        runs: folder for the run folders.
        data: folders with training pictures.
        val: a folder with pictures that choose the weights that are kept.
        settings: the one recipe, its seed included.
        device: where to compute.
        workers: see :func:`hnas.zoo.plans.train_zoo`.
        progress: see :func:`hnas.zoo.plans.train_zoo`.
        report: likewise.

    Raises:
        HnasError: no training pictures are named.
    """
    if not data:
        raise HnasError("to train rows, pictures are needed: name their folder with --data")
    jobs = {}
    for system in systems:
        if system.genotype is not None:
            path = runs / "genotypes" / f"{system.slug}.json"
            make_folder(path.parent)
            write_atomically(path, json.dumps(system.genotype.to_dict()) + "\n")
        model = str(path) if system.genotype is not None else system.architecture
        if model is None:
            continue
        cells = asdict(system.network) if system.genotype is not None else {"scale": SCALE}
        network = NetworkOptions(**cells)
        jobs[system.slug] = TrainingJob(
            model=model, data=data, val=val, network=network, settings=settings, device=device
        )
    return train_zoo(jobs, runs, workers=workers, progress=progress, report=report)
