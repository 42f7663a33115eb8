"""Progress on stderr: a bar for a person, a line now and then for a log file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from hnas.cli.minutes import minutes


@contextmanager
def training_progress(title: str, steps: int) -> Iterator[Callable[[int, Mapping[str, Any]], None]]:
    """Shows a training's step, loss, PSNR on validation and time left; gives what is to be called after every step.

    Args:
        title: what is trained.
        steps: of the whole training.
    """
    console = Console(stderr=True)
    psnr = ""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
    )
    with minutes(title) as done, Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=steps, figures="")

        def after_step(step: int, line: Mapping[str, Any]) -> None:
            nonlocal psnr
            if "psnr" in line:
                psnr = f"  {line['psnr']:.3f} dB"
            figures = f"loss {line['loss']:.5f}{psnr}" if line else ""
            bar.update(task, completed=step, figures=figures)
            words = f"step {step} of {steps}  {figures}".rstrip()
            done(step / steps, words)
            if not console.is_terminal and step == steps:
                print(f"{title}: {words}", file=sys.stderr, flush=True)

        yield after_step


@contextmanager
def picture_progress() -> Iterator[Callable[[str, int], Callable[[], None]]]:
    """A bar for work on sets of pictures.

    Yields:
        A function of a title and a number of pictures, which gives what is to be called after every picture.
    """
    console = Console(stderr=True)
    with (
        ExitStack() as sets,
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
    ):

        def begin(title: str, pictures: int) -> Callable[[], None]:
            sets.close()  # the set before
            done = sets.enter_context(minutes(title))
            task, count = bar.add_task(title, total=pictures), 0

            def advance() -> None:
                nonlocal count
                count += 1
                bar.advance(task)
                done(count / pictures, f"{count} of {pictures} pictures")

            done(0.0, f"0 of {pictures} pictures")
            return advance

        yield begin


@contextmanager
def file_progress(files: int, *, quiet: bool = False) -> Iterator[Callable[[int, str], Callable[[float], None]]]:
    """A bar over files with the time left.

    Args:
        files: how many.
        quiet: show nothing.

    Yields:
        A function of a file's number (from 0) and name, which gives what is to be told the share of the file that is
        done, 0 to 1.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with (
        minutes("enlarging", quiet=quiet) as done,
        Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar,
    ):
        task = bar.add_task("", total=files)

        def begin(index: int, name: str) -> Callable[[float], None]:
            title = f"{index + 1} of {files}  {name}" if files > 1 else name
            bar.update(task, completed=index, description=escape(title))

            def progress(share: float) -> None:
                bar.update(task, completed=index + share)
                done((index + share) / files, f"{title}: {share:.0%}")

            progress(0.0)
            return progress

        yield begin


@contextmanager
def transfer_progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar for downloads; gives what is to be called with a file's name, its bytes that are here, and those in all."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:

        def progress(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name)
            bar.update(tasks[name], completed=done, total=total)

        yield progress


@contextmanager
def step_progress(steps: int) -> Iterator[Callable[[str], None]]:
    """A bar over steps; gives what is to be called with the words for each."""
    console = Console(stderr=True)
    with (
        minutes("comparing") as done,
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task, count = bar.add_task("", total=steps), 0

        def begin(words: str) -> None:
            nonlocal count
            done(count / steps, f"{words}, {count} of {steps} steps done")
            count += 1
            bar.update(task, advance=1, description=escape(words))

        yield begin
