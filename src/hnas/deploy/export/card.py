"""The card of a model that ships: what its weights and its graph are and give, as JSON beside them.

A shipped model is three files of one name: weights (``.safetensors``), the graph that runtimes take (``.onnx``) and the
card (``.json``). No torch here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.values import read_json

#: The format of cards.
CARD_FORMAT = "hnas-model-card/2"
#: What a card says of a model that was measured.
_MEASURED = {"name", "scale", "macs", "params", "latency_ms", "latency_device", "results", "provenance"}


def card_path(weights: Path) -> Path:
    """Where the card of a weights file is."""
    return weights.with_suffix(".json")


def graph_path(weights: Path) -> Path:
    """Where the graph of a weights file is."""
    return weights.with_suffix(".onnx")


def read_card(path: Path) -> dict[str, Any]:
    """The values of a card.

    Raises:
        HnasError: the file cannot be read, or is no card.
    """
    card = read_json(path, advice="the card is damaged; write it with hnas zoo export")
    if not _is_card(card):
        raise HnasError(f"{path}: no card of the format {CARD_FORMAT}; write it with hnas zoo export")
    return dict(card)


def read_cards(folders: Iterable[str | Path]) -> list[dict[str, Any]]:
    """The cards (``*.json``) of models in folders, which were all measured; one or more.

    Raises:
        HnasError: no cards, a damaged one, or another JSON file.
    """
    folders = list(folders)
    cards = []
    for path in sorted(path for folder in folders for path in Path(folder).glob("*.json")):
        card = read_card(path)
        if missing := sorted(_MEASURED - card.keys()):
            raise HnasError(f"{path}: the card lacks {', '.join(missing)}; write it with hnas zoo export")
        cards.append(card)
    if not cards:
        raise HnasError(f"{', '.join(map(str, folders))}: no cards (*.json) there; write them with hnas zoo export")
    return cards


def card_beside(weights: Path) -> dict[str, Any]:
    """The card beside a weights file; empty where there is none, and where that name is another JSON file's.

    Raises:
        HnasError: the file beside it cannot be read.
    """
    path = card_path(weights)
    card = read_json(path) if path.is_file() else {}
    return dict(card) if _is_card(card) else {}


def write_card(weights: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the card of a model whose weights and graph are there.

    Args:
        weights: its weights file.
        values: what the card says; the format and the check sums are seen to here.

    Returns:
        The card.

    Raises:
        HnasError: it cannot be written.
    """
    sums = {"sha256": _sha256(weights), "onnx_sha256": _sha256(graph_path(weights))}
    card = {**values, "format": CARD_FORMAT, **sums}
    write_atomically(card_path(weights), card_text(card))
    return card


def card_text(card: Mapping[str, Any]) -> str:
    """What the file of a card holds."""
    return json.dumps(card, indent=2) + "\n"


def _is_card(value: object) -> bool:
    return isinstance(value, dict) and value.get("format") == CARD_FORMAT


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
