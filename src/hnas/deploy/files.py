"""Enlarging files: which ones, where the results go, and what is said about each."""

from __future__ import annotations

import errno
import glob
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hnas.data.folders import files_below
from hnas.deploy.picture_io import FORMATS, losses, open_picture, save_picture
from hnas.deploy.upscale import Progress, Upscaler
from hnas.errors import HnasError
from hnas.files import atomic_file

#: Called before a file, with its number from 0; gives what is told the share of it that is done.
BeforeFile = Callable[[int, "Job"], Progress]


@dataclass(frozen=True)
class Job:
    """One picture to enlarge: where it is, where its result goes, and in which format."""

    source: Path
    target: Path

    @property
    def format(self) -> str:
        """The format that the target's name asks for."""
        return FORMATS[self.target.suffix.lower()]


@dataclass(frozen=True)
class Outcome:
    """What became of a job: done with notes, passed over because its result was there, or failed with an error."""

    job: Job
    status: str
    notes: tuple[str, ...] = ()
    error: str = ""


def plan_jobs(inputs: Sequence[str], output: Path, *, suffix: str = "", extension: str = "auto") -> list[Job]:
    """Finds the pictures and decides where their results go.

    Args:
        inputs: files, folders (with all below them, the structure is kept) and patterns such as ``photos/*.jpg``.
        output: a file, where there is one input file and the name ends like a picture's; else a folder.
        suffix: put behind the names of results, after an underscore.
        extension: of the results, such as ``png``; ``auto`` keeps that of the input.

    Raises:
        HnasError: an input is missing or without pictures, several results have a file's name for a folder, two would
            have one name, or one would replace its own source.
    """
    if extension != "auto":
        extension_format(f".{extension.lstrip('.')}")
    found = [pair for name in inputs for pair in _find(name, output)]
    if len(inputs) == len(found) == 1 and Path(inputs[0]).is_file() and output.suffix and not output.is_dir():
        extension_format(output.suffix)
        jobs = [Job(found[0][0], output)]
    else:
        if output.is_file() or (output.suffix.lower() in FORMATS and not output.is_dir()):
            raise HnasError(f"{output} is a file, or named like one; a folder or several pictures need a folder")
        jobs = [Job(source, output / _named(inside, suffix, extension)) for source, inside in found]
    _refuse_collisions(jobs)
    return jobs


def _find(name: str, output: Path) -> list[tuple[Path, Path]]:
    """Pictures that an input names, each with its place below the output folder."""
    path = Path(name)
    if path.is_dir():
        # Results of an earlier run that lie below the input are no input.
        inside = output.is_dir() and output.resolve() != path.resolve()
        below = [file for file in files_below(path, FORMATS) if not (inside and file.is_relative_to(output))]
        if not below:
            raise HnasError(f"{name}: no pictures in this folder; allowed are {', '.join(FORMATS)}")
        return [(file, file.relative_to(path)) for file in below]
    if path.exists():
        return [(path, Path(path.name))]
    # Path.glob takes no absolute patterns.
    matches = [Path(match) for match in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207
    files = [match for match in matches if match.is_file() and match.suffix.lower() in FORMATS]
    if not files:
        what = "no picture matches this pattern" if glob.has_magic(name) else "no such file or folder"
        raise HnasError(f"{name}: {what}")
    return [(file, Path(file.name)) for file in files]


def _named(inside: Path, suffix: str, extension: str) -> Path:
    ending = inside.suffix if extension == "auto" else f".{extension.lower().lstrip('.')}"
    if ending.lower() not in FORMATS:  # a picture with another ending is still read by its contents
        ending = ".png"
    return inside.with_name(f"{inside.stem}{'_' if suffix else ''}{suffix}{ending}")


def _refuse_collisions(jobs: Iterable[Job]) -> None:
    sources: dict[Path, Path] = {}
    for job in jobs:
        target = job.target.resolve()
        if target == job.source.resolve():
            raise HnasError(f"{job.source}: the result would replace it; choose another output, or a --suffix")
        if target in sources:
            raise HnasError(
                f"{sources[target]} and {job.source} would both become {job.target}; enlarge them one after the other"
            )
        sources[target] = job.source


def upscale_files(
    upscaler: Upscaler,
    jobs: Sequence[Job],
    *,
    skip_existing: bool = False,
    quality: int = 95,
    before_file: BeforeFile = lambda index, job: lambda share: None,
) -> list[Outcome]:
    """Enlarges files, each written whole or not at all. One that fails does not stop the others; a full disk does.

    Args:
        upscaler: the network.
        jobs: see :func:`plan_jobs`.
        skip_existing: pass over pictures whose result is there.
        quality: of JPEG and WebP, 1 to 100; WebP is lossless at 100.
        before_file: called before every file.
    """
    outcomes = []
    for index, job in enumerate(jobs):
        if skip_existing and job.target.exists():
            outcomes.append(Outcome(job, "skipped"))
            continue
        progress = before_file(index, job)
        try:
            notes = upscale_file(upscaler, job, quality=quality, progress=progress)
            outcomes.append(Outcome(job, "done", notes))
        except HnasError as error:
            outcomes.append(Outcome(job, "failed", error=str(error)))
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSPC, errno.EDQUOT):
                break
    return outcomes


def upscale_file(
    upscaler: Upscaler, job: Job, *, quality: int = 95, progress: Progress | None = None
) -> tuple[str, ...]:
    """Enlarges one file and gives notes on what had to be changed.

    Raises:
        HnasError: it cannot be read, enlarged or written; nothing is left of it then.
    """
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HnasError(f"{job.target.parent}: cannot make this folder ({error.strerror})") from error
    with atomic_file(job.target) as stream:
        return upscale_stream(upscaler, job.source, stream, job.format, quality=quality, progress=progress)


def extension_format(ending: str) -> str:
    """The format of an ending such as ``.png``.

    Raises:
        HnasError: pictures are not written in it.
    """
    if ending.lower() not in FORMATS:
        raise HnasError(f"cannot write {ending or 'a file without an ending'}; allowed are {', '.join(FORMATS)}")
    return FORMATS[ending.lower()]


def upscale_stream(
    upscaler: Upscaler,
    source: Path | bytes,
    stream: BinaryIO,
    format: str,
    *,
    quality: int = 95,
    progress: Progress | None = None,
) -> tuple[str, ...]:
    """Enlarges a file, or bytes such as those of standard input, and writes to a stream; gives notes.

    Raises:
        HnasError: as :func:`upscale_file`.
    """
    picture = open_picture(source)
    notes = picture.notes + losses(picture, format)
    picture = upscaler.upscale_picture(picture, progress=progress)
    save_picture(stream, picture, format, quality=quality)
    return notes
