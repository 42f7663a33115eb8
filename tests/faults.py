"""A disk that fails at its n-th operation, and memory that ends at the n-th tensor, in the manner of SQLite's tests.

Within :func:`failing_disk` everything that this process writes below a folder is counted: files that are made, writes,
syncs, renames, truncations, removals and folders. The n-th of them fails in one of four ways:

- ``error``: once, as a bad sector;
- ``full``: and so does every later one that needs room;
- ``kill``: nothing reaches the disk any more, as if the process had been killed; of a write, one half does;
- ``power``: the same, and of what no sync has brought to the disk since it began, one half is lost.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode

How = Literal["error", "full", "kill", "power"]
#: Operations that a full disk refuses.
_NEED_ROOM = ("create", "write", "sync", "mkdir")


class Killed(BaseException):
    """Where a kill would have ended the process."""


@dataclass
class Disk:
    """What has happened on it.

    Attributes:
        folder: operations below it are counted.
        fail_at: the number of the one that fails, from 0; None is a disk that does not.
        how: see above.
        operations: their kinds, in order.
    """

    folder: Path
    fail_at: int | None = None
    how: How = "error"
    operations: list[str] = field(default_factory=list)
    dead: bool = False
    _synced: dict[str, int] = field(default_factory=dict)

    def has(self, path: Any) -> bool:
        """Whether a path lies on it."""
        if isinstance(path, int):
            path = f"/proc/self/fd/{path}"
        try:
            return Path(os.path.realpath(os.fspath(path))).is_relative_to(self.folder)
        except (TypeError, ValueError):
            return False

    def happens(self, kind: str, half: Callable[[], object] = lambda: None) -> None:
        """Counts an operation before it is done.

        Args:
            kind: what it is.
            half: does one half of it.

        Raises:
            OSError, Killed: it fails.
        """
        if self.dead:
            raise Killed
        number = len(self.operations)
        self.operations.append(kind)
        if self.fail_at is None or number < self.fail_at:
            return
        if self.how in ("kill", "power"):
            half()
            self.dead = True
            if self.how == "power":
                self._lose()
            raise Killed
        if number == self.fail_at or (self.how == "full" and kind in _NEED_ROOM):
            if kind == "write":
                half()
            raise OSError(errno.ENOSPC if kind in _NEED_ROOM else errno.EIO, f"failing at {kind}")

    def is_synced(self, path: str) -> None:
        """All of a file has reached the disk."""
        self._synced[path] = Path(path).stat().st_size

    def moved(self, source: str, target: str) -> None:
        """A file has another name."""
        self._synced[target] = self._synced.pop(source, 0)

    def _lose(self) -> None:
        for path in self.folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                kept, size = self._synced.get(str(path), 0), path.stat().st_size
                _REAL["truncate"](path, min(size, kept + max(0, size - kept) // 2))


_REAL: dict[str, Any] = {name: getattr(os, name) for name in ("fsync", "replace", "rename", "truncate", "unlink")}
_REAL |= {"mkdir": os.mkdir, "open": os.open, "io.open": io.open}


class _File(io.FileIO):
    """A file on a :class:`Disk`."""

    disk: Disk

    def write(self, data: Any) -> int:
        content = bytes(data)
        self.disk.happens("write", lambda: io.FileIO.write(self, content[: len(content) // 2]))
        written: int = super().write(content)
        return written


@contextmanager
def failing_disk(folder: Path, fail_at: int | None = None, how: How = "error") -> Iterator[Disk]:
    """See the top of the file."""
    disk = Disk(folder.resolve(), fail_at, how)
    for path in disk.folder.rglob("*"):
        if path.is_file():
            disk.is_synced(str(path))  # what was there before has long been on the disk

    def opened(file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, *more: Any, **named: Any) -> Any:
        if not set(mode) & set("wxa+") or isinstance(file, int) or not disk.has(file):
            return _REAL["io.open"](file, mode, buffering, encoding, *more, **named)
        disk.happens("create")
        raw = _File(file, mode.replace("b", "").replace("t", ""))
        raw.disk = disk
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding or "utf-8")

    def opened_low(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & os.O_CREAT and disk.has(path):
            disk.happens("create")
        descriptor: int = _REAL["open"](path, flags, *more, **named)
        return descriptor

    def synced(descriptor: int) -> None:
        if disk.has(descriptor):
            disk.happens("sync")
            _REAL["fsync"](descriptor)
            disk.is_synced(os.path.realpath(f"/proc/self/fd/{descriptor}"))
        else:
            _REAL["fsync"](descriptor)

    def renamed(source: Any, target: Any, **named: Any) -> None:
        if disk.has(target):
            disk.happens("rename")
            disk.moved(os.path.realpath(source), os.path.realpath(target))
        _REAL["replace"](source, target, **named)

    def one(kind: str) -> Callable[..., Any]:
        def done(path: Any, *more: Any, **named: Any) -> Any:
            if disk.has(path) and os.path.lexists(path) != (kind == "mkdir"):
                disk.happens(kind)
            return _REAL[kind](path, *more, **named)

        return done

    changed: dict[tuple[Any, str], Any] = {
        (io, "open"): opened,
        (builtins, "open"): opened,
        (os, "open"): opened_low,
        (os, "fsync"): synced,
        (os, "replace"): renamed,
        (os, "rename"): renamed,
        **{(os, name): one(name) for name in ("truncate", "unlink", "mkdir")},
    }
    patches = [mock.patch.object(module, name, new) for (module, name), new in changed.items()]
    for patch in patches:
        patch.start()
    try:
        yield disk
    finally:
        for patch in patches:
            patch.stop()


class EndingMemory(TorchDispatchMode):
    """Memory for so many results of torch's operations; one more, once, is refused.

    Args:
        fail_at: the number of the one that fails, from 0; None is memory that does not end.
    """

    def __init__(self, fail_at: int | None = None) -> None:
        super().__init__()
        self.fail_at, self.count = fail_at, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Counts an operation, then does it."""
        self.count += 1
        if self.count - 1 == self.fail_at:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory")
        return func(*args, **(kwargs or {}))


def same_tensors(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two states have the same bits."""
    return one.keys() == other.keys() and all(
        one[name].numpy().tobytes() == other[name].numpy().tobytes() for name in one
    )


def ended(work: Callable[[], object]) -> BaseException | None:
    """How something ended: what it raised, or None."""
    try:
        work()
    except (Exception, Killed) as error:
        return error.with_traceback(None)
    return None
