"""The latency table of a search: that of a file, that of its run folder, or one that is built here and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from hnas import __version__
from hnas.deploy.timing.latency_table import LatencyTable, load_latency_table
from hnas.deploy.timing.latency_tables import build_latency_table
from hnas.deploy.timing.stopwatch import Machine, this_machine
from hnas.errors import HnasError
from hnas.files import cache_folder, make_folder, write_atomically
from hnas.nets import family_of
from hnas.run_files import LATENCY
from hnas.searching.settings import Limits, SearchSettings

#: In a run folder.
TABLE = LATENCY

Say = Callable[[str], None]


def machine_of(settings: SearchSettings, device: str | torch.device) -> Machine:
    """What times the networks of a search.

    Args:
        settings: name the runtime, its threads and the size of the picture.
        device: that of the search, on which torch times them.

    Raises:
        HnasError: more threads than there are, or a runtime that is not installed.
    """
    on = str(device) if settings.backend == "torch" else "cpu"
    return this_machine(settings.backend, settings.threads or None, settings.lr_shape, device=on, option="threads")


def find_table(
    settings: SearchSettings,
    device: str | torch.device,
    *,
    limits: Limits | None = None,
    kept: LatencyTable | None = None,
    say: Say = lambda words: None,
) -> LatencyTable | None:
    """The table of a search that names one, or that has latency as cost or limit; None otherwise.

    Args:
        settings: of the search.
        device: that of the search.
        limits: those of a derivation; of the search by default.
        kept: that of the run, which is taken if it is of this machine and runtime.
        say: is told what is measured, before it begins.

    Raises:
        HnasError: a table that is named is none, is of other networks, another machine or runtime, or predicts too
            badly; or one that was built here does.
    """
    if not needs_table(settings, limits):
        return None
    machine = machine_of(settings, device)
    about = describe_space(settings)
    if settings.latency_table and kept is None:
        return _checked(load_latency_table(settings.latency_table), settings.latency_table, machine, about)
    if kept is not None:
        if not kept.differences(machine.as_dict(), about):
            kept.refuse_bad()
            return kept
        say(f"the latency table of this run is of {kept.words}, so another one is needed here")
    return built_table(settings, machine, say=say)


def needs_table(settings: SearchSettings, limits: Limits | None = None) -> bool:
    """Whether a search names a table, or has latency as cost or limit; see :func:`find_table`."""
    limited = limits if limits is not None else settings.limits
    return bool(settings.latency_table or limited.latency or settings.cost == "latency")


def built_table(settings: SearchSettings, machine: Machine, *, say: Say = lambda words: None) -> LatencyTable:
    """A table from the user's cache folder, or a new one, which is kept there.

    Raises:
        HnasError: it predicts too badly; then nothing is kept.
    """
    path = cached_path(settings, machine)
    about = describe_space(settings)
    try:
        table = _checked(load_latency_table(path), str(path), machine, about)
    except HnasError:
        table = build_latency_table(
            settings.search_space, family_of(settings.space, settings), machine, about=about, say=say
        )
        table.refuse_bad()
        make_folder(path.parent)
        write_atomically(path, table.to_json())
    say(f"latency table of {table.networks} networks ({table.check.words}): {path}")
    return table


def cached_path(settings: SearchSettings, machine: Machine) -> Path:
    """Where the table of such a search is kept: by machine, runtime, threads, precision, space, sizes and versions."""
    key = json.dumps([__version__, machine.as_dict(), describe_space(settings)], sort_keys=True)
    return cache_folder() / "latency" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def table_of_run(run: Path) -> LatencyTable | None:
    """The table that a search kept in its folder; None where it had none.

    Raises:
        HnasError: the file is damaged.
    """
    return load_latency_table(run / TABLE) if (run / TABLE).is_file() else None


def describe_space(settings: SearchSettings) -> dict[str, Any]:
    """What the times of networks hang on beside the machine."""
    space: Any = settings.search_space
    return {"space": settings.space, **family_of(settings.space, settings).traits, **asdict(space)}


def _checked(table: LatencyTable, path: str, machine: Machine, about: Mapping[str, Any]) -> LatencyTable:
    try:
        table.refuse_other(machine.as_dict(), about)
        table.refuse_bad()
    except HnasError as error:
        raise HnasError(f"{path}: {error}") from error
    return table
