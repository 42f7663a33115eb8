"""Progress on stderr: a bar for a person, a line now and then for a log file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

#: Seconds between the lines that replace the bar where stderr is no terminal.
LINE_EVERY = 30


@contextmanager
def training_progress(title: str, steps: int) -> Iterator[Callable[[int, Mapping[str, Any]], None]]:
    """Shows a training's step, loss, PSNR on validation and time left; gives what is to be called after every step.

    Args:
        title: what is trained.
        steps: of the whole training.
    """
    console = Console(stderr=True)
    psnr, printed = "", monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=steps, figures="")

        def after_step(step: int, line: Mapping[str, Any]) -> None:
            nonlocal psnr, printed
            if "psnr" in line:
                psnr = f"  {line['psnr']:.3f} dB"
            figures = f"loss {line['loss']:.5f}{psnr}" if line else ""
            bar.update(task, completed=step, figures=figures)
            if not console.is_terminal and (step == steps or monotonic() - printed > LINE_EVERY):
                printed = monotonic()
                print(f"{title}: step {step} of {steps}  {figures}", file=sys.stderr, flush=True)

        yield after_step
