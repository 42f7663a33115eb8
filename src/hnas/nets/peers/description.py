"""What a peer's description may hold, checked before anything is built from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hnas.errors import HnasError

FORMAT = "hnas-model/1"
#: Generous, and small enough that no description asks for an absurd amount of memory.
MAX_SETTING = 1024


def peer_description(architecture: str, scale: int, **settings: int) -> dict[str, Any]:
    """The description of a peer: plain values that rebuild it, weights aside."""
    return {"format": FORMAT, "architecture": architecture, "scale": scale, **settings}


def check_description(description: Mapping[str, Any], default: Mapping[str, Any], scales: tuple[int, ...]) -> None:
    """Compares a description with the architecture's default one.

    Args:
        description: as :func:`peer_description` gives it; settings that it leaves out keep the default's value.
        default: the architecture's default description.
        scales: what the architecture enlarges by.

    Raises:
        HnasError: an unknown field, a scale that the architecture does not have, or a setting out of bounds.
    """
    name = default["architecture"]
    if unknown := description.keys() - default.keys():
        raise HnasError(f"{name}: unknown fields {sorted(unknown)}; allowed are {sorted(default)}")
    for key, value in description.items():
        if key in ("format", "architecture"):
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise HnasError(f"{name}: {key} is {value!r}; a whole number is needed")
        if key == "scale" and value not in scales:
            raise HnasError(f"{name}: scale is {value}; allowed are {', '.join(map(str, scales))}")
        if not 1 <= value <= MAX_SETTING:
            raise HnasError(f"{name}: {key} is {value}; allowed are 1 to {MAX_SETTING}")
