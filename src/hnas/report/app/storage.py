"""The folder of a running app: uploads and results, together no more than it may hold."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from hnas.errors import HnasError

#: Seconds that a file stays at least: the person who made it is looking at it, or waiting for their turn.
KEPT_SECONDS = 600.0


class Storage:
    """A folder of bounded size. Its oldest files go where room is needed; where those are too young, nothing is taken.

    Args:
        folder: made if absent.
        megabytes: of all files below it.
        kept_seconds: for which a file stays at least.
    """

    def __init__(self, folder: Path, megabytes: float, kept_seconds: float = KEPT_SECONDS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._most, self._kept = round(megabytes * 1_000_000), kept_seconds
        self._promised = 0
        self._lock = Lock()

    @property
    def used(self) -> int:
        """Bytes of all files."""
        return sum(size for _, size, _ in self._files())

    @contextmanager
    def room_for(self, size: int) -> Iterator[None]:
        """While this lasts, so many bytes may be written.

        Raises:
            HnasError: there is no room for them.
        """
        with self._lock:
            excess = self.used + self._promised + size - self._most
            for changed, bytes_of_file, path in sorted(self._files()):
                if excess <= 0 or changed > time.time() - self._kept:
                    break
                with suppress(OSError):
                    path.unlink()
                    excess -= bytes_of_file
            if excess > 0:
                raise HnasError(f"all {self._most / 1e6:g} MB for pictures are in use; try again in some minutes")
            self._promised += size
        try:
            yield
        finally:
            with self._lock:
                self._promised -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When each was changed, its bytes and its path."""
        for path in self.folder.rglob("*"):
            with suppress(OSError):  # one that goes meanwhile
                if path.is_file():
                    state = path.stat()
                    yield state.st_mtime, state.st_size, path
