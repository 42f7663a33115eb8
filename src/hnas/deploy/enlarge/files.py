"""Enlarging files one after the other, and what is said about each."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hnas.deploy.enlarge.planning import Job
from hnas.deploy.enlarge.upscale import Enlarging, Progress
from hnas.deploy.pictures.animation import animation_losses, enlarged, read_animation, save_animation
from hnas.deploy.pictures.formats import PictureFormat
from hnas.deploy.pictures.losses import losses
from hnas.deploy.pictures.picture import Picture
from hnas.deploy.pictures.reading import open_picture
from hnas.deploy.pictures.writing import save_picture
from hnas.errors import HnasError
from hnas.files import atomic_file, make_folder

#: Called before a file, with its number from 0; gives what is told the share of it that is done.
BeforeFile = Callable[[int, "Job"], Progress]


@dataclass(frozen=True)
class Outcome:
    """What became of a job: done with notes, passed over because its result was there, or failed with an error."""

    job: Job
    status: str
    notes: tuple[str, ...] = ()
    error: str = ""


def upscale_files(
    upscaler: Enlarging,
    jobs: Sequence[Job],
    *,
    skip_existing: bool = False,
    quality: int = 95,
    before_file: BeforeFile = lambda index, job: lambda share: None,
    after_file: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Enlarges files, each written whole or not at all. One that fails does not stop the others; a full disk does.

    Args:
        upscaler: a network, or several to choose from or to a size.
        jobs: see :func:`hnas.deploy.enlarge.planning.plan_jobs`.
        skip_existing: pass over pictures whose result is there.
        quality: of JPEG and WebP, 1 to 100; WebP is lossless at 100.
        before_file: called before every file.
        after_file: called after every file, those that are passed over among them.
    """
    outcomes = []
    for index, job in enumerate(jobs):
        if skip_existing and job.target.exists():
            outcomes.append(Outcome(job, "skipped"))
            after_file(outcomes[-1])
            continue
        progress = before_file(index, job)
        try:
            notes = upscale_file(upscaler, job, quality=quality, progress=progress)
            outcomes.append(Outcome(job, "done", notes))
            after_file(outcomes[-1])
        except HnasError as error:
            outcomes.append(Outcome(job, "failed", error=str(error)))
            after_file(outcomes[-1])
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSPC, errno.EDQUOT):
                break
    return outcomes


def upscale_file(
    upscaler: Enlarging, job: Job, *, quality: int = 95, progress: Progress | None = None
) -> tuple[str, ...]:
    """Enlarges one file and gives notes on what had to be changed.

    Raises:
        HnasError: it cannot be read, enlarged or written; nothing is left of it then.
    """
    make_folder(job.target.parent)
    try:
        with atomic_file(job.target) as stream:
            return upscale_stream(upscaler, job.source, stream, job.format, quality=quality, progress=progress)
    except MemoryError as error:
        raise HnasError(f"{job.source}: the memory is not enough for it and its result") from error


def upscale_stream(
    upscaler: Enlarging,
    source: Path | bytes,
    stream: BinaryIO,
    format: PictureFormat,
    *,
    quality: int = 95,
    progress: Progress | None = None,
) -> tuple[str, ...]:
    """Enlarges a file, or bytes such as those of standard input, and writes to a stream; gives notes.

    Raises:
        HnasError: as :func:`upscale_file`.
    """
    if isinstance(source, Path) and source.exists() and not source.is_file():
        source = source.read_bytes()  # a pipe can be read once
    if format.animated and (animation := read_animation(source, upscaler.scale)):
        share = 1 / len(animation.frames)
        tell = progress or (lambda _: None)
        animation = enlarged(
            animation,
            lambda index, frame: _enlarged(upscaler, frame, source, lambda part: tell((index + part) * share)),
        )
        save_animation(stream, animation, format, quality=quality)
        return losses(animation.first, format) + animation_losses(animation, format)
    picture = _enlarged(upscaler, open_picture(source), source, progress)
    save_picture(stream, picture, format, quality=quality)
    return picture.notes + losses(picture, format)


def _enlarged(upscaler: Enlarging, picture: Picture, source: Path | bytes, progress: Progress | None) -> Picture:
    try:
        return upscaler.upscale_picture(picture, progress=progress)
    except HnasError as error:
        raise HnasError(f"{source if isinstance(source, Path) else 'standard input'}: {error}") from error
