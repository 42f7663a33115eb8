"""``hnas train``."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hnas.cli.options import Config, Json
from hnas.cli.progress import training_progress
from hnas.run_files import WEIGHTS
from hnas.settings import load_settings, read_config
from hnas.space.options import NetworkOptions, options_in
from hnas.training.settings import DeviceSettings, TrainingSettings


def train(
    model: str,
    *,
    data: Annotated[tuple[Path, ...], Parameter(negative="")],
    run_dir: Path,
    lr_data: Annotated[tuple[Path, ...], Parameter(negative="")] = (),
    val: Path | None = None,
    val_lr_data: Path | None = None,
    licence: str = "",
    warm_start: Path | None = None,
    network: Annotated[NetworkOptions | None, Parameter(name="*")] = None,
    settings: Annotated[TrainingSettings | None, Parameter(name="*")] = None,
    device: Annotated[DeviceSettings | None, Parameter(name="*")] = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Train a network from scratch, and write its weights and a report into the run folder.

    A training that was stopped, by whatever, goes on with --resume and the same settings.

    Args:
        model: A genotype (HNAS-A, HNAS-B, HNAS-C, a JSON file, a search's run folder) or a published network (carn-m).
        data: A folder with pictures to train on; give it several times for several folders.
        run_dir: Folder for settings, log, checkpoints, weights and report, such as runs/my-network.
        lr_data: A folder with the small pictures of --data, paired by their names or their order; once for each.
        val: A folder with pictures that choose which weights are kept; without it, the last are. Never the benchmark.
        val_lr_data: A folder with the small pictures of --val.
        licence: Licence of the training pictures, noted in the weights file.
        warm_start: Weights file to begin with; taken is what fits by name and shape.
        resume: Go on with the run in the folder.
        overwrite: Take the run in the folder away and start anew.
    """
    from hnas.report.page import write_report
    from hnas.run_files import REPORT
    from hnas.training.devices import is_first_process
    from hnas.training.train_network import TrainingJob, settings_class, train_network

    chosen = (network or NetworkOptions()).or_else(_preset(config), settings_class(model))

    job = TrainingJob(
        model=model,
        data=data,
        lr_data=lr_data,
        val=val,
        val_lr_data=val_lr_data,
        licence=licence,
        warm_start=warm_start,
        network=chosen,
        settings=settings or TrainingSettings(),
        device=device or DeviceSettings(),
    )
    with training_progress(model, job.settings.steps) as progress:
        result = train_network(job, run_dir, resume=resume, overwrite=overwrite, progress=progress, then=REPORT)
    if not is_first_process():
        return
    if not result.finished:
        if json:
            print(json_module.dumps({"weights": None, **asdict(result)}))
        else:
            done = f"stopped after step {result.step} of {job.settings.steps}, loss {result.loss:.5f}"
            print(f"{model}: {done}; the same command with --resume goes on")
        return
    report = write_report(run_dir)
    print(f"report written to {report}", file=sys.stderr)
    if json:
        print(json_module.dumps({"weights": str(run_dir / WEIGHTS), **asdict(result)}))
    else:
        psnr = "" if result.psnr is None else f", {result.psnr:.3f} dB on {val} (step {result.step})"
        print(f"{model}: loss {result.loss:.5f}{psnr}, {result.seconds:,.0f} s; weights in {run_dir / WEIGHTS}")


def _preset(config: str | None) -> NetworkOptions:
    """What the file of ``--config`` says of networks: it is for any, so what this one does not have is passed over."""
    values = options_in(read_config(config, "train")) if config else {}
    return load_settings(NetworkOptions, values, source=str(config))
