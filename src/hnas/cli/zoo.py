"""``hnas zoo``: training and exporting the models that ship with the package."""

from __future__ import annotations

import json as json_module
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from hnas.cli.options import Json, Names
from hnas.cli.progress import training_progress
from hnas.errors import HnasError
from hnas.launched import refuse_several
from hnas.workers.engine import Engine

if TYPE_CHECKING:
    from hnas.training.loop import StepProgress
    from hnas.training.train_network import TrainingJob
    from hnas.zoo.plans import ZooStatus

zoo = App(name="zoo")


@zoo.command
def train(
    plan: Path,
    /,
    *,
    runs: Path = Path("runs/zoo"),
    only: Names = (),
    engine: Annotated[Engine | None, Parameter(name="*")] = None,
    json: Json = False,
) -> int:
    """Train the models of a plan, one after the other or several at a time, each from where it stopped.

    Finished models are passed over, so after a stop the same command goes on. A plan is a YAML file: settings for all
    models by the names that `hnas train` has (steps, batch, data, val ...), then `models`, a mapping from names to
    settings of their own. `warm_start` may name a model further up.

    Args:
        plan: The YAML file.
        runs: Folder for the run folders, one for each model.
        only: Only the models of these names; the plan stands before them.
    """
    from hnas.workers.engine import open_workers
    from hnas.zoo.plans import read_plan, train_zoo

    refuse_several("hnas zoo train", "start it once; --processes and --on ray share its models out")
    jobs = _chosen(read_plan(plan, runs=runs), only, plan)
    with ExitStack() as bars:

        def progress(name: str, job: TrainingJob) -> StepProgress:
            bars.close()  # the bar of the model before
            return bars.enter_context(training_progress(name, job.settings.steps))

        def report(status: ZooStatus) -> None:
            bars.close()
            print(_line(status), file=sys.stderr, flush=True)

        with open_workers(engine or Engine()) as workers:
            done = train_zoo(jobs, runs, workers=workers, progress=progress, report=report)
    if json:
        print(json_module.dumps([asdict(status) for status in done]))
    else:
        print("\n".join(map(_line, done)))
    return int(any(status.status == "failed" for status in done))


@zoo.command
def status(plan: Path, /, *, runs: Path = Path("runs/zoo"), json: Json = False) -> None:
    """Print where the models of a plan are.

    Args:
        plan: The YAML file.
        runs: Folder of the run folders.
    """
    from hnas.zoo.plans import read_plan, zoo_status

    found = [zoo_status(name, job, runs / name) for name, job in read_plan(plan, runs=runs).items()]
    if json:
        print(json_module.dumps([asdict(status) for status in found]))
    else:
        print("\n".join(map(_line, found)))


@zoo.command
def export(
    plan: Path,
    /,
    *,
    output: Path,
    runs: Path = Path("runs/zoo"),
    only: Names = (),
    benchmarks: Path | None = None,
    json: Json = False,
) -> None:
    """Write the finished models of a plan, each as a .safetensors file with a JSON card of what it is and gives.

    Args:
        plan: The YAML file.
        output: Folder for the files.
        runs: Folder of the run folders.
        only: Only the models of these names; the plan stands before them.
        benchmarks: Folder with the data sets to measure on, in a single pass and with x8 self-ensemble.
    """
    from hnas.zoo.model_card import export_zoo
    from hnas.zoo.plans import read_plan

    cards = export_zoo(_chosen(read_plan(plan, runs=runs), only, plan), runs, output, benchmarks=benchmarks)
    if json:
        print(json_module.dumps(cards))
        return
    for card in cards:
        figures = "".join(f"  {name} {result['psnr']:.2f} dB" for name, result in card["results"].items())
        print(f"{card['name']}: {card['macs'] / 1e9:.1f} G MACs, {card['params'] / 1e3:.1f} K parameters{figures}")


@zoo.command
def page(
    folders: Annotated[tuple[Path, ...], Parameter(name="folder", negative="")],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    dataset: str = "Set5",
) -> None:
    """Write the results page of exported models: tables, and PSNR against multiply-adds beside published networks.

    Args:
        folders: Folders that `hnas zoo export` wrote.
        output: The Markdown file; its figures are written beside it.
        dataset: The set whose PSNR the figures show.
    """
    from hnas.deploy.export.card import read_cards
    from hnas.report.results import write_results
    from hnas.zoo.comparison import published_rows

    cards = read_cards(folders)
    published = [row for scale in {card["scale"] for card in cards} for row in published_rows(scale)]
    print(write_results(cards, output, published=published, dataset=dataset))


def _chosen(jobs: dict[str, TrainingJob], only: tuple[str, ...], plan: Path) -> dict[str, TrainingJob]:
    if unknown := [name for name in only if name not in jobs]:
        raise HnasError(f"{plan}: has no model {', '.join(unknown)}; it has {', '.join(jobs)}")
    return {name: job for name, job in jobs.items() if not only or name in only}


def _line(status: ZooStatus) -> str:
    psnr = "" if status.psnr is None else f", {status.psnr:.3f} dB on validation"
    error = f": {status.error}" if status.error else ""
    return f"{status.name}: {status.status}, step {status.step} of {status.steps}{psnr}{error}"
