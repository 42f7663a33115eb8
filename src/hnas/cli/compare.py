"""``hnas compare``."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hnas.cli.options import Device, Json, parse_size
from hnas.cli.progress import training_progress
from hnas.errors import HnasError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from hnas.data.folders import Pair
    from hnas.data.pictures import Picture
    from hnas.evaluation.benchmark import PictureResult
    from hnas.evaluation.comparison import ComparisonRow
    from hnas.evaluation.table_two import System
    from hnas.training.loop import Progress
    from hnas.training.settings import DeviceSettings, TrainingSettings
    from hnas.training.train_network import TrainingJob
    from hnas.training.zoo import ZooStatus

Names = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")]
Folders = Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative="")]


def compare(
    *,
    benchmarks: Names = (),
    rows: Names = (),
    weights: Folders = (),
    latency: bool = True,
    latency_size: str = "120x120",
    device: Device = "cpu",
    train_steps: int | None = None,
    data: Folders = (),
    val: Path | None = None,
    runs: Path = Path("runs/compare"),
    seed: int = 0,
    batch: int = 16,
    patch: int = 48,
    lr: float = 1e-3,
    devices: int = 1,
    figure: Path | None = None,
    json: Json = False,
) -> int:
    """Table II of the paper: what it prints, what it costs, what it reaches here.

    For every system the published PSNR and SSIM, the printed cost, the true multiply-adds at a 3x480x480 input, the
    parameters, the time of one picture on this machine and, where weights are at hand, PSNR and SSIM measured here.

    Args:
        benchmarks: Folders with sets, or names of sets that were got with `hnas data get`; without any, nothing is
            measured on pictures.
        rows: Only these rows, such as CARN-M HNAS-A.
        weights: Folders with weights: files of this project (carn-m.safetensors) or published ones under their own
            names (carn_m.pth); by default the folder `weights` beside the benchmarks. Bundled models always count.
        latency: Measure the time of one picture.
        latency_size: Low-resolution input for that, HEIGHTxWIDTH in pixels.
        train_steps: First train all rows without weights for so many steps, under one recipe and one seed. A row that
            was stopped goes on; a finished one stays.
        data: Folders with pictures to train on.
        val: A folder with pictures that choose which weights are kept; never one of the benchmarks.
        runs: Folder for the run folders of trained rows.
        seed: Of every training.
        batch: Patches per step and process.
        patch: Side of a low-resolution patch, pixels.
        lr: Highest learning rate.
        devices: Processes that share each training.
        figure: Draw PSNR against multiply-adds into this PNG, SVG or PDF file.
    """
    from hnas.deploy.backends import torch_device
    from hnas.evaluation.comparison import chosen, compare_system, systems

    torch_device(device)
    size = parse_size(latency_size, "--latency-size") if latency else None
    wanted = chosen(rows, systems())
    folders = (runs, *(weights or _beside(benchmarks)))
    if missing := [folder for folder in weights if not folder.is_dir()]:
        raise HnasError(f"--weights: {missing[0]} is no folder")
    if train_steps is not None:
        from hnas.training.devices import is_first_process
        from hnas.training.settings import DeviceSettings, TrainingSettings

        recipe = TrainingSettings(steps=train_steps, seed=seed, batch=batch, patch=patch, lr=lr)
        untrained = [system for system in wanted if not _has_weights(system, folders)]
        failed = _train(untrained, runs, data, val, recipe, DeviceSettings(devices=devices))
        if not is_first_process():
            return 0
    else:
        failed = False
    sets = _sets(benchmarks)
    found = []
    with _progress(len(wanted)) as begin:
        for system in wanted:
            after_picture = begin(system.name)
            model, source = _load(system, folders) if sets else (None, None)
            found.append(
                compare_system(
                    system,
                    sets,
                    model=model,
                    weights=source,
                    latency_size=size,
                    device=device,
                    on_picture=after_picture,
                )
            )
    if figure is not None:
        from hnas.report.table_figure import draw_comparison

        draw_comparison(found, figure)
    if json:
        print(json_module.dumps(_document(found, size, device), indent=2))
    else:
        _print_tables(found, list(sets))
    return int(failed)


def _beside(benchmarks: Sequence[str]) -> tuple[Path, ...]:
    """Folders called ``weights`` beside the benchmarks, whether the folder of all sets or one set was named."""
    around = (folder for name in benchmarks for folder in Path(name).resolve().parents[:2])
    return tuple(dict.fromkeys(folder / "weights" for folder in around if (folder / "weights").is_dir()))


def _has_weights(system: System, folders: Sequence[Path]) -> bool:
    from hnas.evaluation.comparison import find_weights

    return system.description() is None or find_weights(system, folders) is not None


def _load(system: System, folders: Sequence[Path]) -> tuple[nn.Module | None, str | None]:
    from hnas.deploy.published import published_model
    from hnas.evaluation.comparison import find_weights
    from hnas.evaluation.table_two import SCALE
    from hnas.weights import load_model

    path = find_weights(system, folders)
    if path is None:
        return None, None
    if path.suffix == ".safetensors":
        return load_model(path, expect=system.description()), str(path)
    assert system.architecture is not None  # published files are those of peers
    return published_model(path, architecture=system.architecture, scale=SCALE), str(path)


def _sets(benchmarks: Sequence[str]) -> dict[str, list[Pair]]:
    """Pairs by set: of a folder of sets those that the table has, if any; else all."""
    from hnas.data.folders import find_sets, load_set
    from hnas.data.known_sets import locate_set
    from hnas.evaluation.table_two import SCALE, SETS

    sets = {}
    for benchmark in benchmarks:
        inside = find_sets(locate_set(benchmark))
        tables = [pictures for pictures in inside if pictures.name in SETS]
        for pictures in sorted(tables, key=lambda found: SETS.index(found.name)) or inside:
            sets[pictures.name] = load_set(pictures, SCALE)
    return sets


def _train(
    untrained: Sequence[System],
    runs: Path,
    data: tuple[Path, ...],
    val: Path | None,
    recipe: TrainingSettings,
    device: DeviceSettings,
) -> bool:
    """Trains rows; whether any of them failed."""
    from hnas.training.table_rows import train_systems

    with ExitStack() as bars:

        def progress(name: str, job: TrainingJob) -> Progress:
            bars.close()  # the bar of the row before
            return bars.enter_context(training_progress(name, job.settings.steps))

        def report(status: ZooStatus) -> None:
            bars.close()
            reason = f": {status.error}" if status.error else ""
            print(f"{status.name}: {status.status}, step {status.step}{reason}", file=sys.stderr, flush=True)

        done = train_systems(
            untrained, runs, data=data, val=val, settings=recipe, device=device, progress=progress, report=report
        )
    return any(status.status == "failed" for status in done)


@contextmanager
def _progress(rows: int) -> Iterator[Callable[[str], Callable[[PictureResult, Picture], None]]]:
    """A bar on stderr; gives what begins a row, which gives what is to be called after every picture of it."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=rows)

        def begin(name: str) -> Callable[[PictureResult, Picture], None]:
            bar.update(task, description=name, advance=1 if bar.tasks[task].description else 0)
            return lambda picture, _: bar.update(task, description=f"{name} {picture.name}")

        yield begin


def _document(rows: Sequence[ComparisonRow], size: tuple[int, int] | None, device: str) -> dict[str, object]:
    from hnas.evaluation.comparison import as_objects
    from hnas.evaluation.table_two import SCALE
    from hnas.nets import LR_SIZE, device_description

    return {
        "scale": SCALE,
        "lr_size": list(LR_SIZE),
        "latency_lr_size": list(size) if size else None,
        "device": device_description(device),
        "bicubic_path": "float",
        "rows": as_objects(rows),
    }


def _print_tables(rows: Sequence[ComparisonRow], sets: Sequence[str]) -> None:

    from hnas.cli.compare_tables import cost_table, quality_table
    from hnas.cli.tables import print_tables

    print_tables(cost_table(rows), quality_table(rows, sets))
