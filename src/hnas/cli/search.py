"""``hnas search``."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from hnas.cli.design_view import say_attainable
from hnas.cli.options import Config, Json, say
from hnas.cli.search_view import search_view
from hnas.errors import HnasError
from hnas.searching.settings import SearchSettings
from hnas.training.settings import DeviceSettings


def search(
    *,
    data: Path,
    run_dir: Path,
    val: Path | None = None,
    settings: Annotated[SearchSettings | None, Parameter(name="*", consume_multiple=True)] = None,
    device: Annotated[DeviceSettings | None, Parameter(name="*")] = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    tensorboard: Annotated[bool, Parameter(negative="")] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Search for a genotype (Algorithm 1 of the paper), and write the best one found and a report into the run folder.

    --config paper is the search of the paper; cpu, gpu and demo are for such machines. Without --config it differs from
    paper's in this: a bicubic skip, four genotypes a step, each compared with the mean of the others, epochs that go
    through the pictures once, cost in parts of the mean of the space at C = 64, and a genotype chosen by its reward on
    the middle of the validation pictures. A search that was stopped, by whatever, goes on with --resume.

    Args:
        data: A folder with pictures to search on, or a known set such as DIV2K-train; a part trains the shared weights,
            the rest scores genotypes.
        run_dir: Folder for settings, log, candidates, checkpoints, genotype and report, such as runs/search.
        val: A folder with pictures that choose the genotype at the end, or a known set such as Set5 (paper); without
            it, a tenth of the others does.
        resume: Go on with the run in the folder.
        overwrite: Take the run in the folder away and start anew.
        tensorboard: Write TensorBoard events to run_dir/tensorboard as well.
    """
    from hnas.report.events import event_writer
    from hnas.report.page import write_report
    from hnas.run_files import REPORT
    from hnas.searching.latency import machine_of
    from hnas.searching.runs import RESULT
    from hnas.searching.runs import search as run_search
    from hnas.training.devices import is_first_process

    settings = settings or SearchSettings()
    if settings.limits.latency and not resume and is_first_process():
        machine_of(settings, "cpu")  # refuses what it cannot have, before anything is timed
        with suppress(HnasError):  # a runtime that is not installed, or no family of this scale
            say_attainable(settings.lr_shape, settings.scale, settings.limits.latency)
    with ExitStack() as stack:
        show = stack.enter_context(search_view())
        write = stack.enter_context(event_writer(run_dir / "tensorboard")) if tensorboard else None

        def progress(number: int, rounds: int, line: Mapping[str, Any]) -> None:
            show(number, rounds, line)
            if write:
                write(line)

        derived = run_search(
            data,
            val,
            run_dir=run_dir,
            settings=settings,
            devices=device,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
            then=REPORT,
            say=say,
        )
    if not is_first_process():
        return
    report = write_report(run_dir)
    print(f"genotype written to {run_dir / RESULT}, report to {report}", file=sys.stderr)
    print(json_module.dumps(derived.summary()) if json else derived.sentence())
