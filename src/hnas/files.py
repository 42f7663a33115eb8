"""Writing files so that a kill, a crash or a full disk never leaves half of one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hnas.errors import HnasError


def cache_folder() -> Path:
    """The folder of this project among the user's caches, as the system has it; it need not be there."""
    usual = {"darwin": Path.home() / "Library" / "Caches", "win32": Path.home() / "AppData" / "Local"}
    top = os.environ.get("XDG_CACHE_HOME") or usual.get(sys.platform, Path.home() / ".cache")
    return Path(top) / "hnas"


def write_atomically(path: Path, data: bytes | memoryview | str) -> None:
    """Writes a file beside its place, syncs it to the disk and renames it: the old file or the new one, never half.

    Raises:
        HnasError: the disk is full, the folder is missing or not writable; the old file is untouched.
    """
    with atomic_file(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """As :func:`write_atomically`, for what is written bit by bit: a file that takes its place when the block ends.

    Raises:
        HnasError: the disk is full, the folder is missing or not writable; the old file is untouched.
    """
    beside = path.with_name(_name_beside(path.name))
    try:
        with beside.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or error
        raise HnasError(f"{path}: cannot write it ({reason}); what was there before is untouched") from error
    finally:
        beside.unlink(missing_ok=True)


def _name_beside(name: str) -> str:
    """A hidden name for a file that will have this one, which may be as long as file systems allow (255 bytes)."""
    ending = f".{os.getpid()}.tmp"
    kept = os.fsencode(name)[: 254 - len(ending)].decode(errors="ignore")
    return f".{kept}{ending}"


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power cut; a system that cannot open folders (Windows) does this by itself."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
