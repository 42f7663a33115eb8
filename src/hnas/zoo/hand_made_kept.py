"""The graphs of hand-made networks, kept in the user's cache folder: building them takes torch, and seconds."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import hnas
from hnas.deploy.design.attainable import Peer
from hnas.deploy.running.runtimes import BackendName
from hnas.errors import HnasError
from hnas.files import cache_folder, write_atomically
from hnas.values import read_json

_INDEX = "index.json"


def kept_hand_made(scale: int, backend: BackendName) -> tuple[Peer, ...]:
    """As :func:`hnas.zoo.hand_made.hand_made`; what a runtime reads from files is built once for this code.

    Raises:
        ImportError: they have to be built, and torch is missing.
        HnasError: they have to be built, and the package onnx is missing.
    """
    folder = cache_folder() / "hand-made" / f"{_of_this_code()}-x{scale}-{backend}"
    if (kept := _read(folder)) is not None:
        return kept
    from hnas.zoo.hand_made import hand_made

    built = hand_made(scale, backend)
    if backend != "torch":
        _write(folder, built)
    return built


def _of_this_code() -> str:
    """Tells this package's code from any other."""
    files = sorted(Path(hnas.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _read(folder: Path) -> tuple[Peer, ...] | None:
    """What was kept, or None where that is not whole."""
    try:
        index = read_json(folder / _INDEX)
        graphs = [(folder / str(one["graph"])).read_bytes() for one in index]
        if [hashlib.sha256(graph).hexdigest() for graph in graphs] != [one["graph"] for one in index]:
            return None
        return tuple(Peer(**{**one, "graph": graph}) for one, graph in zip(index, graphs, strict=True))
    except (OSError, ValueError, KeyError, TypeError):  # HnasError is a ValueError
        return None


def _write(folder: Path, peers: tuple[Peer, ...]) -> None:
    """Keeps them; a cache that cannot be written is none."""
    with suppress(OSError, HnasError):
        folder.mkdir(parents=True, exist_ok=True)
        index = []
        for peer in peers:
            assert isinstance(peer.graph, bytes)
            name = hashlib.sha256(peer.graph).hexdigest()
            write_atomically(folder / name, peer.graph)
            index.append({**asdict(replace(peer, graph=b"")), "graph": name})
        write_atomically(folder / _INDEX, json.dumps(index))
