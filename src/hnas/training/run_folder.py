"""A run's folder: its settings, its log and its results, none of which is lost, doubled or overwritten."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.run_files import CANDIDATES, CHECKPOINT, CONFIG, GENOTYPE, LATENCY, LOG, REPORT, WEIGHTS
from hnas.settings import read_run_config
from hnas.values import as_yaml, json_lines, parse_yaml, shown

LOGS = (LOG, CANDIDATES)
RESULTS = (GENOTYPE, WEIGHTS, REPORT, LATENCY)


@dataclass(frozen=True)
class RunFolder:
    """``runs/<name>/`` with config.yaml, log.jsonl, candidates.jsonl, checkpoint/ and the results.

    Attributes:
        path: the folder.
        result: the file whose presence says that the run is finished.
    """

    path: Path
    result: str
    _lock: FileLock | None = field(default=None, repr=False, compare=False)  # held as long as this object lives

    def __reduce__(self) -> tuple[type[RunFolder], tuple[Path, str]]:
        """A copy in another process holds no lock."""
        return RunFolder, (self.path, self.result)

    @property
    def finished(self) -> bool:
        """Whether the run has its result."""
        return (self.path / self.result).exists()

    @property
    def checkpoint(self) -> Path:
        """Where the full state goes."""
        return self.path / CHECKPOINT

    def append(self, line: Mapping[str, Any], *, to: str = LOG) -> None:
        """Adds one JSON line to ``log.jsonl`` or ``candidates.jsonl``, visible to readers at once.

        Raises:
            HnasError: the disk is full or not writable.
        """
        text = json.dumps(line) + "\n"
        with _changing(self.path / to), (self.path / to).open("ab") as file:
            file.write(text.encode())

    def lines(self, name: str = LOG) -> list[dict[str, Any]]:
        """All whole lines of ``log.jsonl`` or ``candidates.jsonl``, oldest first; none if the file is absent."""
        path = self.path / name
        if not path.exists():
            return []
        return [line for _, line in json_lines(path, finite=False)]

    def log_lengths(self) -> dict[str, int]:
        """The logs' lengths in bytes, for the checkpoint; what is counted is on the disk.

        Raises:
            HnasError: the disk is full or not writable.
        """
        lengths = {}
        for name in LOGS:
            path = self.path / name
            if path.exists():
                with _changing(path), path.open("rb") as file:
                    os.fsync(file.fileno())
                    lengths[name] = os.fstat(file.fileno()).st_size
        return lengths

    def cut_logs(self, lengths: Mapping[str, int]) -> None:
        """Takes from the logs what came after a checkpoint and will come again, so that no line appears twice.

        Raises:
            HnasError: the disk is not writable.
        """
        for name in LOGS:
            path = self.path / name
            length = lengths.get(name, 0)
            if path.exists() and path.stat().st_size > length:
                with _changing(path):
                    os.truncate(path, length)

    def write_json(self, name: str, value: object) -> None:
        """Writes one JSON file at once."""
        write_atomically(self.path / name, json.dumps(value, indent=2) + "\n")


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """While something is done to a file of a run that can be done again."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise HnasError(f"{path}: cannot write it ({reason}); make room, then go on with --resume") from error


def open_run(
    path: Path | str,
    config: Mapping[str, Any],
    *,
    result: str,
    resume: bool = False,
    overwrite: bool = False,
    may_differ: Collection[str] = (),
    then: str = "",
) -> RunFolder:
    """Makes a run's folder, or opens it again.

    Args:
        path: the folder.
        config: the run's settings as plain values; written to config.yaml, and compared with it on resume.
        result: the file that a finished run has, such as ``weights.safetensors``.
        resume: go on where an earlier run with the same settings stopped; without a folder, start.
        overwrite: take an earlier run's files away first.
        may_differ: settings that a resumed run may change.
        then: a file that the caller writes after the result. A finished run that lacks it is opened on resume too.

    Raises:
        HnasError: the folder holds a run (finished or not) and neither is asked for; it holds other things; a finished
            run is resumed; a setting differs from the run that is resumed; it cannot be written.
    """
    run = RunFolder(Path(path), result)
    if resume and overwrite:
        raise HnasError("--resume and --overwrite exclude each other; choose one")
    # A kill just before config.yaml was there leaves the lock and its hidden half: no run yet, so not in the way.
    if run.path.exists() and not (run.path.is_dir() and all(child.name[0] == "." for child in run.path.iterdir())):
        if not (run.path / CONFIG).is_file():
            raise HnasError(f"{run.path}: exists and is not a run folder (no {CONFIG}); choose another --run-dir")
        if resume:
            if run.finished and (not then or (run.path / then).exists()):
                raise HnasError(f"{run.path}: this run is finished (it has {result}); start it anew with --overwrite")
            refuse_other_settings(run.path, config, may_differ)
            run = _locked(run)
            # What a kill cut short while it was written.
            for unfinished in run.path.rglob(".*.tmp"):
                with _changing(unfinished):
                    unfinished.unlink(missing_ok=True)
            return run
        if not overwrite:
            what = "a finished run" if run.finished else "an unfinished run (go on with --resume)"
            raise HnasError(f"{run.path}: holds {what}; choose another --run-dir, or start it anew with --overwrite")
        run = _locked(run)
        _remove_run(run, then)
    try:
        run.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HnasError(f"{run.path}: cannot make this folder ({error.strerror}); choose another --run-dir") from error
    run = _locked(run)
    write_atomically(run.path / CONFIG, as_yaml(config))
    return run


def _locked(run: RunFolder) -> RunFolder:
    """Keeps other processes out of the folder as long as the result lives; a kill ends that too."""
    lock = FileLock(run.path / ".lock", is_singleton=True)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise HnasError(f"{run.path}: another process is at work on this run; wait for it to end") from error
    except OSError as error:
        raise HnasError(f"{run.path}: cannot lock it ({error.strerror or error}); make room, then try again") from error
    return replace(run, _lock=lock)


def refuse_other_settings(path: Path, config: Mapping[str, Any], may_differ: Collection[str] = ()) -> None:
    """Compares a run's settings with others.

    Args:
        path: the run folder.
        config: as for :func:`open_run`.
        may_differ: settings that are not compared.

    Raises:
        HnasError: a setting differs; the first one is named.
    """
    before = read_run_config(path / CONFIG)
    # Through YAML, as the file went: tuples come back as lists.
    now = parse_yaml(as_yaml(config), where="these settings")
    for name in [*before, *(name for name in now if name not in before)]:
        if name not in may_differ and before.get(name) != now.get(name):
            was, it_is = shown(before.get(name)), shown(now.get(name))
            raise HnasError(
                f"{path}: this run was started with {name} {was}, now it is {it_is}; "
                "go on with the same settings, or start anew (--overwrite, or without the folder)"
            )


def _remove_run(run: RunFolder, then: str) -> None:
    """Removes what a run writes and nothing else: the folder may be a person's own."""
    path = run.path
    try:
        for name in filter(None, (run.result, then, *RESULTS, *LOGS)):
            (path / name).unlink(missing_ok=True)
        shutil.rmtree(path / CHECKPOINT, ignore_errors=True)
        (path / CONFIG).unlink()
    except OSError as error:
        raise HnasError(f"{path}: cannot take away the earlier run ({error.strerror})") from error
