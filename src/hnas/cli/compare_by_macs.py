"""``hnas compare --by macs``: Table II of the paper."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hnas.cli.options import Device, Folders
from hnas.cli.progress import training_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from hnas.data.folders import Pair
    from hnas.data.pictures import Pixels
    from hnas.evaluation.benchmark import PictureResult
    from hnas.training.loop import StepProgress
    from hnas.training.settings import DeviceSettings, TrainingSettings
    from hnas.training.train_network import TrainingJob
    from hnas.zoo.comparison import ComparisonRow
    from hnas.zoo.plans import ZooStatus
    from hnas.zoo.table_two import System


@dataclass(frozen=True, kw_only=True)
class MacsOptions:
    """What belongs to Table II alone.

    Attributes:
        latency: Measure the time of one picture.
        device: Where it runs: cpu, cuda, cuda:1, mps ...
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
    """

    latency: bool = True
    device: Device = "cpu"
    train_steps: int | None = None
    data: Folders = ()
    val: Path | None = None
    runs: Path = Path("runs/compare")
    seed: int = 0
    batch: int = 16
    patch: int = 48
    lr: float = 1e-3
    devices: int = 1


def compare_by_macs(
    options: MacsOptions,
    *,
    benchmarks: Sequence[str],
    rows: Sequence[str],
    weights: Sequence[Path],
    latency_size: tuple[int, int],
    figure: Path | None,
    json: bool,
) -> int:
    """Prints what the paper says of every system, what it costs and what it reaches here.

    Args:
        options: those of this table alone.
        benchmarks: folders with sets, or names of sets.
        rows: only these, where any are named.
        weights: folders with weights, runs of the table's own training aside.
        latency_size: (height, width) of the input to time.
        figure: where to draw.
        json: print JSON.

    Returns:
        The exit status: 1 where a training failed.
    """
    from hnas.deploy.running.torch_backend import torch_device
    from hnas.zoo.comparison import chosen, compare_system, systems

    torch_device(options.device)
    size = latency_size if options.latency else None
    wanted = chosen(rows, systems())
    folders = (options.runs, *weights)
    if options.train_steps is not None:
        from hnas.training.devices import is_first_process
        from hnas.training.settings import DeviceSettings, TrainingSettings

        recipe = TrainingSettings(
            steps=options.train_steps, seed=options.seed, batch=options.batch, patch=options.patch, lr=options.lr
        )
        untrained = [system for system in wanted if not _has_weights(system, folders)]
        where = DeviceSettings(devices=options.devices)
        failed = _train(untrained, options.runs, options.data, options.val, recipe, where)
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
                    device=options.device,
                    on_picture=after_picture,
                )
            )
    if figure is not None:
        from hnas.report.table_figure import draw_comparison

        draw_comparison(found, figure)
    if json:
        print(json_module.dumps(_document(found, size, options.device), indent=2))
    else:
        _print_tables(found, list(sets))
    return int(failed)


def _has_weights(system: System, folders: Sequence[Path]) -> bool:
    from hnas.zoo.weights_at_hand import find_weights

    return system.description() is None or find_weights(system, folders) is not None


def _load(system: System, folders: Sequence[Path]) -> tuple[nn.Module | None, str | None]:
    from hnas.zoo.contenders import load_system
    from hnas.zoo.weights_at_hand import find_weights

    path = find_weights(system, folders)
    return (load_system(system, path), str(path)) if path else (None, None)


def _sets(benchmarks: Sequence[str]) -> dict[str, list[Pair]]:
    """Pairs by set: of a folder of sets those that the table has, if any; else all."""
    from hnas.data.folders import find_sets, load_set
    from hnas.data.known_sets import locate_set
    from hnas.zoo.table_two import SCALE, SETS

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
    from hnas.zoo.table_rows import train_systems

    with ExitStack() as bars:

        def progress(name: str, job: TrainingJob) -> StepProgress:
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
def _progress(rows: int) -> Iterator[Callable[[str], Callable[[PictureResult, Pixels], None]]]:
    """A bar on stderr; gives what begins a row, which gives what is to be called after every picture of it."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=rows)

        def begin(name: str) -> Callable[[PictureResult, Pixels], None]:
            bar.update(task, description=name, advance=1 if bar.tasks[task].description else 0)
            return lambda picture, _: bar.update(task, description=f"{name} {picture.name}")

        yield begin


def _document(rows: Sequence[ComparisonRow], size: tuple[int, int] | None, device: str) -> dict[str, object]:
    from hnas.nets import LR_SIZE, device_description
    from hnas.zoo.comparison import as_objects
    from hnas.zoo.table_two import SCALE

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
