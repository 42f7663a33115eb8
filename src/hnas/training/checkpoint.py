"""Full states on disk: whole or not at all, whatever kills the process; and the one before, should the last be spoilt.

The file is torch's archive, in which every part has a checksum; they are compared when it is read.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from hnas.errors import HnasError
from hnas.files import make_folder, write_atomically
from hnas.launched import is_first_process
from hnas.torch_files import read_torch
from hnas.values import mapping

FORMAT = "hnas-checkpoint/1"
#: The last state, and the one before it.
FILE, BEFORE = "state.pt", "state.before.pt"


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Writes the state into a folder and keeps the one before; older ones go.

    Args:
        folder: made if absent; it holds ``state.pt``, and ``state.before.pt`` from the second state on.
        state: tensors, numbers, text, and lists, tuples and mappings of them.

    Raises:
        HnasError: the disk is full or not writable; the states before are untouched.
    """
    # Serialised in memory first: a write that fails then says why (torch's own writer hides the disk's error).
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    make_folder(folder)
    write_atomically(folder / FILE, buffer.getbuffer(), before=folder / BEFORE)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The newest whole state that :func:`save_checkpoint` wrote, on the CPU; None if there is none yet.

    A damaged one is passed over for the one before it, and the log of the room says so.

    Raises:
        HnasError: none is whole.
    """
    damaged: HnasError | None = None
    for path in (folder / FILE, folder / BEFORE):
        if not path.exists():
            continue
        try:
            state = _read(path)
        except HnasError as error:
            damaged = damaged or error
            continue
        if damaged and is_first_process():
            logging.getLogger(__name__).warning("%s; going on from the state before, %s", damaged, path)
        return state
    if damaged:
        raise HnasError(f"{damaged}; no other state is whole, so start anew with --overwrite") from damaged
    return None


def _read(path: Path) -> dict[str, Any]:
    state = read_torch(path)
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise HnasError(f"{path}: not a checkpoint of the format {FORMAT}")
    return state


@contextmanager
def taking_up(folder: Path) -> Iterator[None]:
    """While a state is put back: whatever does not fit, of another version or another run, is said in one line.

    Raises:
        HnasError: something did not fit.
    """
    try:
        yield
    except HnasError as error:
        raise HnasError(f"{folder}: {error}") from error
    except Exception as error:  # what a foreign state lacks, or has of another shape or type
        what = " ".join(str(error).split())[:200]
        raise HnasError(
            f"{folder}: its state is not one of this run, or of another version ({type(error).__name__}: {what}); "
            "start anew with --overwrite"
        ) from error


def log_lengths(state: Mapping[str, Any] | None) -> dict[str, int]:
    """How many bytes of each log belong to a state; none without one.

    Raises:
        HnasError: the state does not say.
    """
    lengths = mapping("the checkpoint's log_lengths", state.get("log_lengths")) if state else {}
    if not all(isinstance(name, str) and type(length) is int and length >= 0 for name, length in lengths.items()):
        raise HnasError("the checkpoint's log_lengths are not lengths by name; start anew with --overwrite")
    return dict(lengths)


def random_states() -> dict[str, Any]:
    """torch's global generators, CPU and CUDA: the only ones that operations such as dropout draw from."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def restore_random_states(states: Mapping[str, Any]) -> None:
    """Puts back what :func:`random_states` gave."""
    torch.set_rng_state(states["cpu"])
    if torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
