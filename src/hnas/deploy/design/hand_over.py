"""The folder that a design hands over, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hnas.deploy.design.family import Candidate
from hnas.deploy.export.card import card_text, read_card
from hnas.errors import HnasError
from hnas.files import write_atomically

WEIGHTS, GRAPH, CARD, REPORT = "weights.safetensors", "model.onnx", "card.json", "report.html"
FILES = (WEIGHTS, GRAPH, CARD, REPORT)


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Refuses a folder that must not be replaced.

    Args:
        folder: where a design is to be.
        overwrite: an earlier design may be replaced; anything else never is.

    Raises:
        HnasError: there is something else, or a design that was not to be replaced.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or folder.is_symlink():
        raise HnasError(f"{folder}: no folder; name another one with -o")
    there = sorted(path.name for path in folder.iterdir())
    if strange := [name for name in there if name not in FILES]:
        raise HnasError(f"{folder}: holds {strange[0]}, which no design writes; name another folder with -o")
    if there and not overwrite:
        raise HnasError(f"{folder}: holds a design already; --overwrite replaces it, -o names another folder")


def hand_over(
    folder: Path, chosen: Candidate, note: Mapping[str, Any], report: str, *, overwrite: bool = False
) -> None:
    """Writes the four files of a design: weights, graph, card with the note ``design``, report.

    They are written into a folder beside and renamed; a kill at any time leaves no half of one.

    Args:
        folder: see :func:`check_free`.
        chosen: whose files it gets.
        note: JSON values.
        report: the page.
        overwrite: replace an earlier design.

    Raises:
        HnasError: as :func:`check_free`, or a file cannot be read or written.
    """
    check_free(folder, overwrite=overwrite)
    beside, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{part}") for part in ("tmp", "old"))
    card = {**read_card(chosen.card), "design": dict(note)}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
        for name, data in (
            (WEIGHTS, chosen.weights.read_bytes()),
            (GRAPH, chosen.graph.read_bytes()),
            (CARD, card_text(card)),
            (REPORT, report),
        ):
            write_atomically(beside / name, data)
        if folder.is_dir() and any(folder.iterdir()):
            folder.rename(old)  # a folder with files is not renamed over
        beside.replace(folder)
    except OSError as error:
        raise HnasError(f"{folder}: cannot write it ({error.strerror or error})") from error
    finally:
        if old.is_dir() and not folder.exists():
            old.rename(folder)
        for leftover in (beside, old):
            shutil.rmtree(leftover, ignore_errors=True)
