"""What a model's file says of its model: the description that rebuilds it, and the provenance of its weights."""

from __future__ import annotations

from typing import Any

from hnas.values import mapping, parse_json

#: A description is a few kilobytes.
MAX_BYTES = 1 << 20


def parse_description(text: str | bytes, *, where: str) -> dict[str, Any]:
    """The mappings ``description`` and ``provenance`` (empty where absent), and whatever stands beside them.

    Args:
        text: a JSON object.
        where: the file it comes from.

    Raises:
        HnasError: it holds something else.
    """
    value = dict(mapping(f"{where}: what the file says of its model", parse_json(text, where=where, finite=False)))
    description = mapping(f"{where}: the model's description", value.get("description"))
    provenance = mapping(f"{where}: the model's provenance", value.get("provenance", {}))
    return {**value, "description": dict(description), "provenance": dict(provenance)}
