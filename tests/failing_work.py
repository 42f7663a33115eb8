"""Work whose disk or memory fails at one step: what it leaves is the old or the new, and the next try ends in the same.

Tests of a training, a search, a study and an enlargement say what their work is (:class:`Work`); how the disk fails
stands in ``tests/faults.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hnas.deploy.pictures.reading import open_picture
from hnas.errors import HnasError
from hnas.training.checkpoint import load_checkpoint
from hnas.training.run_folder import RunFolder
from hnas.values import read_yaml
from hnas.weights import read_weights
from tests.faults import EndingMemory, How, Killed, ended, failing_disk

WAYS: tuple[How, ...] = ("error", "full", "kill", "power")


@dataclass(frozen=True)
class Work:
    """Something that writes below a folder.

    Attributes:
        begin: does it in a folder of its own.
        go_on: does what is left of it.
        outcome: all that came of it; equal where it has the same bits.
        before: makes what is in the folder already.
        is_whole: more that holds of what is on the disk whenever it stopped.
    """

    begin: Callable[[Path], object]
    go_on: Callable[[Path], object]
    outcome: Callable[[Path], Any]
    before: Callable[[Path], object] = lambda folder: folder.mkdir(parents=True)
    is_whole: Callable[[Path], object] = field(default=lambda folder: None)

    def counted(self, folder: Path) -> tuple[Any, list[str]]:
        """What comes of it where nothing happens, and its operations on the disk."""
        self.before(folder)
        with failing_disk(folder) as disk:
            self.begin(folder)
        return self.outcome(folder), disk.operations

    def tensors(self, folder: Path) -> int:
        """Its operations of torch."""
        self.before(folder)
        with EndingMemory() as memory:
            self.begin(folder)
        return memory.count


def some(count: int, how: How) -> Iterable[int]:
    """Every twelfth operation, beginning elsewhere for every way, for every run of the tests."""
    return range(3 * WAYS.index(how), count, 12)


def disk_fails(work: Work, folder: Path, numbers: Iterable[int], how: How, wanted: Any) -> None:
    """Has each of these operations fail in turn, each in a folder of its own."""
    for number in numbers:
        place = folder / str(number)
        work.before(place)
        with failing_disk(place, number, how):
            error = ended(lambda place=place: work.begin(place))  # type: ignore[misc]
        if how in ("error", "full"):
            assert error is None or (type(error) is HnasError and "\n" not in str(error)), (number, error)
            assert not list(place.rglob("*.tmp")), number
        else:
            assert type(error) is Killed, (number, error)
        _goes_on(work, place, wanted, number)


def memory_ends(work: Work, folder: Path, numbers: Iterable[int], wanted: Any) -> None:
    """Has each of these operations of torch be refused in turn."""
    for number in numbers:
        place = folder / str(number)
        work.before(place)
        with EndingMemory(number):
            error = ended(lambda place=place: work.begin(place))  # type: ignore[misc]
        assert error is None or "memory" in str(error), (number, error)
        assert not list(place.rglob("*.tmp")), number
        _goes_on(work, place, wanted, number)


def _goes_on(work: Work, folder: Path, wanted: Any, number: int) -> None:
    every_file_is_whole(folder)
    work.is_whole(folder)
    error = ended(lambda: work.go_on(folder))
    assert error is None or "this run is finished" in str(error), (number, error)
    assert work.outcome(folder) == wanted, number
    assert not list(folder.rglob("*.tmp")), number


def every_file_is_whole(folder: Path) -> None:
    """Reads all files that are not hidden: what is there is all of it."""
    for path in folder.rglob("*"):
        if path.is_dir() or path.name.startswith("."):
            continue
        if path.suffix == ".jsonl":
            RunFolder(path.parent, "").lines(path.name)  # a line that was being added does not count
        elif path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".yaml":
            assert read_yaml(path)
        elif path.suffix == ".safetensors":
            assert read_weights(path).tensors
        elif path.suffix == ".pt":
            assert load_checkpoint(path.parent)
        else:
            open_picture(path)


def bits(weights: Path) -> dict[str, bytes]:
    """The numbers of a weights file."""
    return {name: tensor.numpy().tobytes() for name, tensor in read_weights(weights).tensors.items()}


def timeless(path: Path, name: str) -> list[dict[str, Any]]:
    """The lines of a log, without times."""
    return [{key: value for key, value in line.items() if key != "seconds"} for line in RunFolder(path, "").lines(name)]
