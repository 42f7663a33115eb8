"""Which pictures are enlarged and where the results go; no result ever takes the place of a picture to be enlarged."""

from __future__ import annotations

import glob
import mimetypes
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from hnas.data.folders import files_below
from hnas.deploy.pictures.formats import ENDINGS, PictureFormat, writable_format
from hnas.errors import HnasError

#: Bytes that file systems allow a name.
_NAME_BYTES = 255
#: Endings of files of any kind, on every machine the same ones.
_KNOWN = mimetypes.MimeTypes().types_map[True]
#: So many files that are passed over are named.
_NAMED = 5
#: Endings as near as ``.jgp`` is to ``.jpg`` are taken for a slip.
_NEAR = 0.75


@dataclass(frozen=True)
class Job:
    """One picture to enlarge: where it is, where its result goes, and in which format."""

    source: Path
    target: Path

    @property
    def format(self) -> PictureFormat:
        """The format that the target's name asks for."""
        return writable_format(self.target.suffix)


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        jobs: the pictures, in order.
        notes: what was left out, in words for the person to see.
        passed_over: files in the folders that are no pictures.
    """

    jobs: tuple[Job, ...]
    notes: tuple[str, ...] = ()
    passed_over: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Found:
    """Pictures that an input names, each with its place below the output folder; see :class:`Plan`."""

    pictures: tuple[tuple[Path, Path], ...]
    notes: tuple[str, ...] = ()
    passed_over: tuple[Path, ...] = ()


def plan_jobs(
    inputs: Sequence[str],
    output: str | Path | None,
    *,
    suffix: str = "",
    extension: str = "auto",
    enlarged: str = "",
    skip_existing: bool = False,
) -> Plan:
    """Finds the pictures and decides where their results go.

    Args:
        inputs: files, folders (with all below them, the structure is kept) and patterns such as ``photos/*.jpg``.
        output: a file, where there is one input file and the name ends like a picture's; else a folder. None puts
            results beside their pictures, as PNG unless an extension is asked for, and never over a file.
        suffix: put behind the names of results, after an underscore.
        extension: of the results, such as ``png``; ``auto`` keeps that of the input where it can be written.
        enlarged: what results beside their pictures have in their names after a dash, such as ``x2``.
        skip_existing: results that are there are left alone, so pictures that are such results are left out.

    Raises:
        HnasError: an input is missing or without pictures, the suffix is no part of a name, several results have a
            file's name for a folder, two would have one name, one would replace a picture to be enlarged, or one beside
            its picture is there already.
    """
    if "/" in suffix or os.sep in suffix or "\0" in suffix:
        raise HnasError(f"--suffix is {suffix!r}; it becomes a part of names of files, so it may hold no {os.sep}")
    if extension != "auto":
        writable_format(f".{extension.lstrip('.')}")
    found = [_find(name, output) for name in inputs]
    pictures = [pair for each in found for pair in each.pictures]
    if output is None:
        jobs = _beside(inputs, found, suffix, extension, enlarged, skip_existing)
    elif len(inputs) == len(pictures) == 1 and not Path(inputs[0]).is_dir() and _is_file_name(output):
        jobs = [Job(pictures[0][0], Path(output))]
        writable_format(Path(output).suffix)
    else:
        folder = Path(output)
        _refuse_misspelt(folder, str(output))
        if folder.is_file() or (folder.suffix.lower() in ENDINGS and _is_file_name(output)):
            raise HnasError(f"{folder} is a file, or named like one; a folder or several pictures need a folder")
        jobs = [Job(source, folder / _named(inside, suffix, extension)) for source, inside in pictures]
    jobs, notes = _apart(_once(jobs), skip_existing)
    return Plan(
        tuple(jobs),
        tuple(note for each in found for note in each.notes) + notes,
        tuple(path for each in found for path in each.passed_over),
    )


def _is_file_name(output: str | Path) -> bool:
    """Whether an output is meant as a file: not what is a folder, ends in a slash, or ends like no kind of file."""
    path = Path(output)
    if path.is_dir() or str(output).endswith(("/", os.sep)):
        return False
    ending = path.suffix.lower()
    return ending in ENDINGS or ending in _KNOWN or path.is_file()


def _refuse_misspelt(folder: Path, output: str) -> None:
    """Refuses a folder that is not there and is called nearly like a picture, such as ``large.jgp``."""
    ending = folder.suffix.lower()
    near = get_close_matches(ending, ENDINGS, n=len(ENDINGS), cutoff=_NEAR)
    if not near or ending in ENDINGS or folder.exists() or output.endswith(("/", os.sep)):
        return
    right = min(near, key=list(ENDINGS).index)
    raise HnasError(f"{folder}: pictures do not end in {ending}; write {right}, or {folder}/ for a folder")


def _find(name: str, output: str | Path | None) -> _Found:
    path = Path(name)
    if path.is_dir():
        return _find_below(path, output)
    if path.exists():
        return _Found(((path, Path(path.name)),))
    # Path.glob takes no absolute patterns.
    matches = [Path(match) for match in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207
    files = [match for match in matches if match.is_file()]
    pictures = [file for file in files if file.suffix.lower() in ENDINGS]
    if not pictures:
        what = "no picture matches this pattern" if glob.has_magic(name) else "no such file or folder"
        raise HnasError(f"{name}: {what}")
    others = tuple(file for file in files if file.suffix.lower() not in ENDINGS)
    return _Found(tuple((file, Path(file.name)) for file in pictures), _passed_over(name, others), others)


def _find_below(folder: Path, output: str | Path | None) -> _Found:
    """Everything below a folder but for the output folder where that is in it: what lies there are results."""
    files = files_below(folder)
    below = [file for file in files if file.suffix.lower() in ENDINGS]
    notes: tuple[str, ...] = ()
    if output is not None and Path(output).is_dir() and not folder.samefile(output):
        results = Path(output).resolve()
        pictures = [file for file in below if not file.resolve().is_relative_to(results)]
        if left_out := len(below) - len(pictures):
            notes = (f"{output}: {left_out} pictures in this folder are results and are not enlarged again",)
        files = [file for file in files if not file.resolve().is_relative_to(results)]
        below = pictures
    others = tuple(file for file in files if file.suffix.lower() not in ENDINGS)
    if not below:
        raise HnasError(f"{folder}: no pictures in this folder; allowed are {', '.join(ENDINGS)}")
    notes += _passed_over(str(folder), others)
    return _Found(tuple((file, file.relative_to(folder)) for file in below), notes, others)


def _passed_over(name: str, files: Sequence[Path]) -> tuple[str, ...]:
    if not files:
        return ()
    named = ", ".join(file.name for file in files[:_NAMED])
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return (f"{name}: passed over, since no picture that is read ends so: {named}{more}",)


def _beside(
    inputs: Sequence[str], found: Sequence[_Found], suffix: str, extension: str, enlarged: str, skip_existing: bool
) -> list[Job]:
    """Results beside what was named: files beside files, and for a folder a folder beside it."""
    behind = f"-{enlarged}"
    jobs = []
    for name, each in zip(inputs, found, strict=True):
        path = Path(name)
        if path.is_dir():
            folder = path.resolve()
            place = path.parent / f"{folder.name}{behind}" if path.name else folder.with_name(folder.name + behind)
            jobs += [Job(source, place / _named(inside, suffix, extension)) for source, inside in each.pictures]
            continue
        for source, inside in each.pictures:
            if not source.is_file():
                raise HnasError(f"{source}: nothing can lie beside it; name the result with -o")
            ending = "png" if extension == "auto" else extension
            jobs.append(Job(source, source.parent / _named(inside, suffix, ending, behind)))
    for job in jobs:
        if job.target.exists() and not skip_existing:
            raise HnasError(f"{job.target} is there already; name the result with -o, or add --skip-existing")
    return jobs


def _named(inside: Path, suffix: str, extension: str, behind: str = "") -> Path:
    """The result's name, within what file systems allow."""
    ending = inside.suffix if extension == "auto" else f".{extension.lower().lstrip('.')}"
    known = ENDINGS.get(ending.lower())
    if known is None or not known.written:  # a picture with another ending is still read by its contents
        ending = ".png"
    ending = f"{behind}{'_' if suffix else ''}{suffix}{ending}"
    stem = os.fsencode(inside.stem)[: _NAME_BYTES - len(os.fsencode(ending))].decode(errors="ignore")
    return inside.with_name(stem + ending)


def _once(jobs: Sequence[Job]) -> Iterator[Job]:
    """A picture that was named twice is enlarged once."""
    seen = set()
    for job in jobs:
        pair = (job.source.resolve(), job.target.resolve())
        if pair not in seen:
            yield job
        seen.add(pair)


def _identity(path: Path) -> object:
    """The same for all names of one file."""
    try:
        stat = path.stat()
    except OSError:
        return path.resolve()
    return stat.st_dev, stat.st_ino


def _apart(jobs: Iterator[Job], skip_existing: bool) -> tuple[list[Job], tuple[str, ...]]:
    """Refuses results that would replace a picture or each other, as ``cp`` does.

    Where results that are there are left alone, nothing is replaced; pictures that are such results are left out.
    """
    planned = list(jobs)
    sources = {_identity(job.source): job for job in planned}
    targets: dict[object, Job] = {}
    results = set()
    for job in planned:
        key = _identity(job.target)
        if key in targets:
            raise HnasError(
                f"{targets[key].source} and {job.source} would both become {job.target}; enlarge them one after the "
                "other"
            )
        targets[key] = job
        if key not in sources:
            continue
        if sources[key] is job:
            raise HnasError(f"{job.source}: the result would replace it; choose another output, or a --suffix")
        if not skip_existing:
            raise HnasError(
                f"{job.target}: this picture is to be enlarged, and would be replaced by the result of {job.source}; "
                "choose another output or --suffix, or add --skip-existing"
            )
        results.add(id(sources[key]))
    notes = tuple(
        f"{job.source}: left out, since it has the name of another picture's result"
        for job in planned
        if id(job) in results
    )
    return [job for job in planned if id(job) not in results], notes
