"""The last times of a family on this machine, kept for a day in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from hnas.deploy.design.family import Candidate
from hnas.deploy.timing.stopwatch import Machine
from hnas.errors import HnasError
from hnas.files import cache_folder, write_atomically
from hnas.values import read_json

#: Seconds after which times are forgotten: what else the machine does has changed by then.
FRESH = 24 * 3600.0


def remember(family: Sequence[Candidate], machine: Machine, times: Mapping[str, float]) -> None:
    """Keeps the times of a family, ms by name; a cache that cannot be written is none."""
    path = _path(family, machine)
    with suppress(OSError, HnasError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({one.name: times[one.name] for one in family}))


def remembered(family: Sequence[Candidate], machine: Machine) -> dict[str, float] | None:
    """The times that were kept for this very family, runtime, processor, threads and size; None without fresh ones."""
    path = _path(family, machine)
    try:
        if time.time() - path.stat().st_mtime > FRESH:
            return None
        found = read_json(path)
        return {one.name: float(found[one.name]) for one in family}
    except (OSError, ValueError, KeyError, TypeError):  # HnasError is a ValueError
        return None


def _path(family: Sequence[Candidate], machine: Machine) -> Path:
    said = {"machine": machine.as_dict(), "family": [[one.name, one.macs, str(one.weights)] for one in family]}
    name = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:24]
    return cache_folder() / "attainable" / f"{name}.json"
