"""Training a list of models, one after the other or several at a time, in as many pieces as it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hnas.errors import HnasError
from hnas.nets import NetworkOptions
from hnas.run_files import WEIGHTS
from hnas.settings import load_settings, refuse_unknown
from hnas.space.options import options_in
from hnas.training.loop import StepProgress
from hnas.training.run_folder import RunFolder, refuse_other_settings
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.training.train_network import (
    MAY_DIFFER,
    TrainingJob,
    model_description,
    refuse_other_model,
    settings_class,
    train_network,
)
from hnas.values import read_yaml_mapping, shown
from hnas.workers import Workers

_OWN_FIELDS = ("model", "data", "lr_data", "val", "val_lr_data", "licence", "warm_start")
T = TypeVar("T")
_SETTINGS = (NetworkOptions, TrainingSettings, DeviceSettings)


@dataclass(frozen=True)
class ZooStatus:
    """Where one model of a plan is.

    Attributes:
        name: the model's.
        status: "finished", "stopped" (goes on next time), "failed" or "waiting".
        step: steps done.
        steps: of the whole training.
        psnr: last dB on validation, if any.
        error: why it failed.
    """

    name: str
    status: str
    step: int
    steps: int
    psnr: float | None
    error: str | None = None


def read_plan(path: str | Path, *, runs: str | Path) -> dict[str, TrainingJob]:
    """Reads a plan: settings for all models, then ``models``, a mapping from names to settings of their own, in order.

    Settings are named as on the command line of ``hnas train``; paths are relative to the working directory;
    ``warm_start`` may be the name of a model further up.

    Args:
        path: a YAML file.
        runs: the folder in which every model has its run folder.

    Raises:
        HnasError: the file cannot be read, an unknown name, a value that is not allowed; file and model are named.
    """
    path = Path(path)
    plan = read_yaml_mapping(path, advice="a plan is a YAML file")
    if not isinstance(plan.get("models"), dict) or not plan["models"]:
        raise HnasError(f"{path}: a plan has a mapping 'models' from names to settings")
    common = {name: value for name, value in plan.items() if name != "models"}
    jobs: dict[str, TrainingJob] = {}
    for name, own in plan["models"].items():
        where = f"{path}, model {name}"
        if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*", name):
            raise HnasError(f"{where}: a name has letters, digits, '.', '_' and '-' only; it names a folder")
        if not isinstance(own, dict):
            raise HnasError(f"{where}: a mapping of settings is needed")
        values = {**common, **own}
        if (begun_with := str(values.get("warm_start"))) in jobs:
            values["warm_start"] = Path(runs) / begun_with / WEIGHTS
        jobs[name] = _job(values, options_in(own), where)
    return jobs


def _job(values: Mapping[str, Any], own: Mapping[str, Any], where: str) -> TrainingJob:
    """A model's job; what all models have in common counts where its architecture has it, its ``own`` must be its."""
    allowed = {*_OWN_FIELDS, *(field.name for cls in _SETTINGS for field in fields(cls))}
    refuse_unknown(values, allowed, source=where)
    for name in ("model", "data"):
        if not values.get(name):
            raise HnasError(f"{where}: lacks {name}")

    def settings(cls: type[T], values: Mapping[str, Any] = values) -> T:
        names = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        chosen = {name: value for name, value in values.items() if name in names}
        return _naming(where, lambda: load_settings(cls, chosen, source=where))

    for name in (each for each in _OWN_FIELDS if values.get(each)):
        if not str(values[name]).isprintable():
            raise HnasError(f"{where}: {name} is {shown(values[name])}; allowed is printable text")
    model = str(values["model"])
    network = settings(NetworkOptions, own)
    network = _naming(where, lambda: network.or_else(settings(NetworkOptions), settings_class(model)))

    training, device = settings(TrainingSettings), settings(DeviceSettings)
    job = _naming(
        where,
        lambda: TrainingJob(
            model=model,
            data=_paths(values["data"]),
            lr_data=_paths(values.get("lr_data")),
            val=Path(str(values["val"])) if values.get("val") else None,
            val_lr_data=Path(str(values["val_lr_data"])) if values.get("val_lr_data") else None,
            licence=str(values.get("licence") or ""),
            warm_start=Path(str(values["warm_start"])) if values.get("warm_start") else None,
            network=network,
            settings=training,
            device=device,
        ),
    )
    for name in ("devices", "num_nodes"):
        if getattr(job.device, name) not in (None, 1):
            raise HnasError(
                f"{where}: {name} is {getattr(job.device, name)}; a plan trains on one device, model after model"
            )
    for folder in (*job.data, *job.lr_data, *filter(None, (job.val, job.val_lr_data))):
        if not _is_there(folder):
            raise HnasError(f"{where}: {folder} does not exist; paths are relative to the working directory")
    _naming(where, lambda: model_description(job.model, job.network))
    return job


def _paths(value: Any) -> tuple[Path, ...]:
    """One or several folders, or none."""
    return tuple(Path(str(folder)) for folder in (value if isinstance(value, list) else [value] if value else []))


def _is_there(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:  # a name that is too long
        return False


def _naming(where: str, read: Callable[[], T]) -> T:
    """What ``read`` gives; its mistakes name the place."""
    try:
        return read()
    except HnasError as error:
        raise error if where in str(error) else HnasError(f"{where}: {error}") from error


def zoo_status(name: str, job: TrainingJob, run_dir: Path) -> ZooStatus:
    """Where a model is, by its run folder alone."""
    run = RunFolder(run_dir, WEIGHTS)
    lines = [line for line in run.lines() if line.get("phase") == "train"]
    psnr = next((line["psnr"] for line in reversed(lines) if "psnr" in line), None)
    status = "finished" if run.finished else "stopped" if lines else "waiting"
    return ZooStatus(name, status, lines[-1]["step"] if lines else 0, job.settings.steps, psnr)


def train_zoo(
    jobs: Mapping[str, TrainingJob],
    runs: str | Path,
    *,
    workers: Workers | None = None,
    progress: Callable[[str, TrainingJob], StepProgress | None] = lambda name, job: None,
    report: Callable[[ZooStatus], None] = lambda status: None,
) -> list[ZooStatus]:
    """Trains what is not finished, each from where it stopped. One that fails does not stop the others.

    Args:
        jobs: see :func:`read_plan`.
        runs: every model has its run folder in here.
        workers: who trains them; without, this process does, in order. A model that begins with another's weights waits
            for it.
        progress: gives what is called after every step of a model that this process trains.
        report: called when a model is finished, was finished before, or has failed.

    Returns:
        The state of every model, in order.
    """
    found: dict[str, ZooStatus] = {}
    if workers is None or workers.here:
        for name, job in jobs.items():
            found[name] = _train_one(name, job, Path(runs) / name, partial(progress, name, job))
            report(found[name])
        return list(found.values())
    going: dict[Future[ZooStatus], str] = {}
    while len(found) < len(jobs):
        for name, job in jobs.items():
            needs = next((one for one in jobs if job.warm_start == Path(runs) / one / WEIGHTS), None)
            if name not in found and name not in going.values() and (needs is None or needs in found):
                going[workers.submit(_train_one, name, job, Path(runs) / name)] = name
        for future in wait(going, return_when=FIRST_COMPLETED).done:
            name = going.pop(future)
            found[name] = future.result()
            report(found[name])
    return [found[name] for name in jobs]


def _train_one(
    name: str, job: TrainingJob, run_dir: Path, progress: Callable[[], StepProgress | None] = lambda: None
) -> ZooStatus:
    error = None
    try:
        if zoo_status(name, job, run_dir).status == "finished":
            refuse_other_settings(run_dir, job.config(), MAY_DIFFER)
            refuse_other_model(run_dir, model_description(job.model, job.network))
        else:
            train_network(job, run_dir, resume=True, progress=progress())
    except HnasError as raised:
        error = str(raised)
    status = zoo_status(name, job, run_dir)
    if error:
        status = ZooStatus(name, "failed", status.step, status.steps, status.psnr, error)
    return status
