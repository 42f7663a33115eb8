"""Writing files so that a kill, a crash or a full disk never leaves half of one."""

from __future__ import annotations

import os
from pathlib import Path

from hnas.errors import HnasError


def write_atomically(path: Path, data: bytes | memoryview | str) -> None:
    """Writes a file beside its place, syncs it to the disk and renames it: the old file or the new one, never half.

    Raises:
        HnasError: the disk is full, the folder is missing or not writable; the old file is untouched.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise HnasError(f"{path}: cannot write it ({error.strerror}); what was there before is untouched") from error


def _sync_folder(folder: Path) -> None:
    """Makes a rename survive a power cut; a system that cannot open folders (Windows) does this by itself."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
