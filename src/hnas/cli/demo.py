"""``hnas demo``."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hnas.cli.options import Json
from hnas.files import write_atomically
from hnas.settings import load_parts, load_settings, read_config, read_devices

if TYPE_CHECKING:
    from hnas.data.folders import Pair
    from hnas.evaluation.table import Row
    from hnas.nets import NetworkSettings
    from hnas.searching.settings import SearchSettings
    from hnas.training.settings import DeviceSettings, TrainingSettings

#: The photograph that the report shows before and after.
SHOWN = "coffee"
REPORT = "report.html"
LICENCE = "various; listed in data/README.txt of scikit-image"


def demo(
    *,
    run_dir: Path = Path("runs/demo"),
    preset: str = "demo",
    seed: int = 0,
    resume: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> None:
    """The whole way once, on photographs that come along: search, derive, train, evaluate, upscale, report.

    Eleven photographs train; the two that are held out from search and training measure. Takes a few minutes on two
    CPU cores and needs no network.

    Args:
        run_dir: Folder of the run; its report is report.html.
        preset: Preset or YAML file with the sections search and train.
        seed: Decides every random choice.
        resume: Go on with the run in the folder.
        overwrite: Take the run in the folder away and start anew.
    """
    import torch

    from hnas.data.sample import held_out_pairs
    from hnas.evaluation.table import as_objects
    from hnas.nets import NetworkSettings
    from hnas.report import write_report
    from hnas.searching.settings import SearchSettings
    from hnas.training.run_folder import open_run
    from hnas.training.settings import DeviceSettings, TrainingSettings

    began = perf_counter()
    # A second thread makes steps as small as these 1.2 times faster on a quiet machine, and many times slower on a busy
    # one, where threads wait for each other.
    torch.set_num_threads(1)
    search_settings = load_settings(SearchSettings, read_config(preset, "search"), source=preset)
    network, training = load_parts(read_config(preset, "train"), NetworkSettings, TrainingSettings, source=preset)
    search_settings, training = replace(search_settings, seed=seed), replace(training, seed=seed)
    network = replace(network, scale=search_settings.scale)
    device = load_settings(DeviceSettings, read_devices(preset), source=preset)
    config = {"command": "demo", "preset": preset, "seed": seed, "scale": network.scale}
    run = open_run(run_dir, config, result=REPORT, resume=resume, overwrite=overwrite)

    photographs = _write_photographs(run.path / "photographs")
    _search(run.path / "search", photographs, search_settings, device, resume=resume, overwrite=overwrite)
    _train(run.path, photographs, network, training, device, resume=resume, overwrite=overwrite)
    _gather(run.path)
    _say("3/3 evaluate on the photographs held out, and upscale one")
    pairs = held_out_pairs(network.scale)
    rows = _measure(run.path, pairs, network.scale)
    run.write_json("evaluation.json", as_objects(rows, per_picture=True))
    _upscale(run.path, next(pair for pair in pairs if pair.name == SHOWN))
    report = write_report(run.path)

    bicubic, ours = rows[0].result, rows[1].result
    seconds = perf_counter() - began
    if json:
        summary = {"report": str(report), "seconds": round(seconds, 1), "gain": ours.psnr - bicubic.psnr}
        print(json_module.dumps({**summary, "evaluation": as_objects(rows, per_picture=True)}, indent=2))
        return
    print(f"bicubic {bicubic.psnr:.2f} dB, the network found {ours.psnr:.2f} dB: {ours.psnr - bicubic.psnr:+.2f} dB")
    print(f"(Y PSNR, x{network.scale}, mean over {' and '.join(pair.name for pair in pairs)}; {seconds:.0f} s)")
    print(f"report: {report}")


def _search(
    run_dir: Path,
    photographs: Path,
    settings: SearchSettings,
    device: DeviceSettings,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    from hnas.cli.search_view import search_view
    from hnas.searching.runs import RESULT, search
    from hnas.training.run_folder import RunFolder

    if resume and RunFolder(run_dir, RESULT).finished:
        return
    _say("1/3 search for a genotype, and derive it")
    with search_view() as progress:
        search(
            photographs,
            run_dir=run_dir,
            settings=settings,
            devices=device,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
        )


def _train(
    run_dir: Path,
    photographs: Path,
    network: NetworkSettings,
    settings: TrainingSettings,
    device: DeviceSettings,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    from hnas.cli.progress import training_progress
    from hnas.training.run_folder import RunFolder
    from hnas.training.train_network import WEIGHTS, TrainingJob, train_network

    if resume and RunFolder(run_dir / "train", WEIGHTS).finished:
        return
    _say("2/3 train the genotype found from scratch")
    job = TrainingJob(
        model=str(run_dir / "search"),
        data=(photographs,),
        licence=LICENCE,
        network=network,
        settings=settings,
        device=device,
    )
    with training_progress("train", settings.steps) as progress:
        train_network(job, run_dir / "train", resume=resume, overwrite=overwrite, progress=progress)


def _gather(run_dir: Path) -> None:
    """Brings the results of both parts together, so that the run's folder reads like any other."""
    parts = {
        "log.jsonl": ("search", "train"),
        "candidates.jsonl": ("search",),
        "genotype.json": ("search",),
        "weights.safetensors": ("train",),
    }
    for name, folders in parts.items():
        write_atomically(run_dir / name, b"".join((run_dir / folder / name).read_bytes() for folder in folders))


def _write_photographs(folder: Path) -> Path:
    """Writes the photographs to train on as files, so that every step can be repeated by hand."""
    from hnas.data.pictures import write_picture
    from hnas.data.sample import HELD_OUT, sample_pictures

    for name, picture in sample_pictures().items():
        if name not in HELD_OUT:
            write_picture(folder / f"{name}.png", picture)
    return folder


def _measure(run_dir: Path, pairs: list[Pair], scale: int) -> list[Row]:
    from hnas.evaluation.benchmark import bicubic_result, evaluate_model
    from hnas.evaluation.table import Row
    from hnas.weights import load_model

    model = load_model(run_dir)
    return [
        Row("bicubic", "sample", scale, bicubic_result(pairs, scale)),
        Row("demo", "sample", scale, evaluate_model(model, pairs, scale=scale)),
    ]


def _upscale(run_dir: Path, pair: Pair) -> None:
    """Writes one photograph before and after, for the report."""
    from hnas.data.pictures import write_picture
    from hnas.data.resize import imresize
    from hnas.deploy.models import load

    upscaler = load(run_dir)
    pictures = {
        "lr": pair.lr,
        "bicubic": imresize(pair.lr, upscaler.scale),
        "sr": upscaler.upscale(pair.lr),
        "hr": pair.hr,
    }
    for kind, picture in pictures.items():
        write_picture(run_dir / "pictures" / f"{pair.name}_{kind}.png", picture)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
