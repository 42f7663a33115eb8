"""Pieces of work that the processes of the tests do."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import torch

from hnas.errors import HnasError


def square(number: int) -> int:
    """Its square."""
    return number * number


def threads(_: int) -> tuple[int, int]:
    """The process, and the threads that torch has in it."""
    return os.getpid(), torch.get_num_threads()


def refuse(number: int) -> int:
    """A person's mistake."""
    raise HnasError(f"number is {number}; allowed is none")


def die_once(mark: str, number: int) -> int:
    """Kills its own process the first time, as a system without memory does."""
    if not Path(mark).exists():
        Path(mark).write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(_: int) -> None:
    """Kills its own process."""
    os.kill(os.getpid(), signal.SIGKILL)


def slow_square(folder: str, number: int) -> int:
    """Its square, after half a second; leaves a file that says where it was begun."""
    (Path(folder) / f"{number}-{os.getppid()}").touch()
    time.sleep(0.5)
    return number * number
