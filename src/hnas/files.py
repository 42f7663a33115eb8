"""Writing files so that a kill, a crash or a full disk never leaves half of one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import BinaryIO

from psutil import pid_exists

from hnas.errors import HnasError


def cache_folder() -> Path:
    """The folder of this project among the user's caches, as the system has it; it need not be there."""
    usual = {"darwin": Path.home() / "Library" / "Caches", "win32": Path.home() / "AppData" / "Local"}
    top = os.environ.get("XDG_CACHE_HOME") or usual.get(sys.platform, Path.home() / ".cache")
    return Path(top) / "hnas"


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it, where there is none.

    Raises:
        HnasError: the disk is full, a folder is not writable, or a file has its name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HnasError(f"{path}: cannot make this folder ({error.strerror or error})") from error


def write_atomically(path: Path, data: bytes | memoryview | str, *, before: Path | None = None) -> None:
    """Writes a file beside its place, syncs it to the disk and renames it: the old file or the new one, never half.

    Args:
        path: of the file.
        data: all that it holds.
        before: in the same folder, takes the old file, once the new one is whole on the disk.

    Raises:
        HnasError: the disk is full, the folder is missing or not writable; the old file is untouched.
    """
    with atomic_file(path, before=before) as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextmanager
def atomic_file(path: Path, *, before: Path | None = None) -> Iterator[BinaryIO]:
    """As :func:`write_atomically`, for what is written bit by bit: a file that takes its place when the block ends.

    What a process that was killed left half-written of the same file goes.

    Raises:
        HnasError: the disk is full, the folder is missing or not writable; the old file is untouched.
    """
    beside = path.with_name(_name_beside(path.name, str(os.getpid())))
    try:
        _remove_left_over(path)
        with beside.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if before and path.exists():
            path.replace(before)
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or error
        raise HnasError(f"{path}: cannot write it ({reason}); what was there before is untouched") from error
    finally:
        beside.unlink(missing_ok=True)


def _name_beside(name: str, process: str) -> str:
    """A hidden name for a file that will have this one, which may be as long as file systems allow (255 bytes)."""
    ending = f".{process}.tmp"
    kept = os.fsencode(name)[: 254 - len(ending)].decode(errors="ignore")
    return f".{kept}{ending}"


def _remove_left_over(path: Path) -> None:
    """Removes halves of this file whose process has gone."""
    for half in path.parent.glob(f".{escape(path.name[:100])}*.tmp"):
        process = half.name.split(".")[-2]
        if process.isdecimal() and half.name == _name_beside(path.name, process) and not pid_exists(int(process)):
            half.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power cut; a system that cannot open folders (Windows) does this by itself."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
