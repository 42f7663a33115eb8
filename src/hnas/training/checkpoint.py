"""Full states on disk: whole or not at all, whatever kills the process."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from hnas.errors import HnasError
from hnas.files import write_atomically

FORMAT = "hnas-checkpoint/1"
FILE = "state.pt"


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Replaces the state in a folder; until the new one is whole on the disk, the one before stays.

    Args:
        folder: made if absent; it holds one file, ``state.pt``.
        state: tensors, numbers, text, and lists, tuples and mappings of them.

    Raises:
        HnasError: the disk is full or not writable; the state before is untouched.
    """
    # Serialised in memory first: a write that fails then says why (torch's own writer hides the disk's error).
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HnasError(f"{folder}: cannot make this folder ({error.strerror})") from error
    write_atomically(folder / FILE, buffer.getbuffer())


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state that :func:`save_checkpoint` wrote, on the CPU; None if there is none yet.

    Raises:
        HnasError: the file is damaged or no checkpoint.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises anything, from EOFError to UnpicklingError
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HnasError(f"{path}: damaged, or no checkpoint ({reason}); start anew with --overwrite") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise HnasError(f"{path}: not a checkpoint of the format {FORMAT}; start anew with --overwrite")
    return state


def random_states() -> dict[str, Any]:
    """torch's global generators, CPU and CUDA: the only ones that operations such as dropout draw from."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def restore_random_states(states: Mapping[str, Any]) -> None:
    """Puts back what :func:`random_states` gave."""
    torch.set_rng_state(states["cpu"])
    if torch.cuda.is_available() and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
