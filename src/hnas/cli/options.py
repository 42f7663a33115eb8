"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hnas.errors import HnasError

Config = Annotated[
    str | None,
    Parameter(name="--config", help="Settings from a YAML file or a preset by name; flags override them."),
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON and nothing else.")]
Names = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")]
Folders = Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative="")]
Device = Annotated[str, Parameter(name="--device", help="Where it runs: cpu, cuda, cuda:1, mps ...")]


def parse_size(text: str, option: str) -> tuple[int, int]:
    """``480x640`` as (height, width) in pixels.

    Raises:
        HnasError: anything else, naming the option.
    """
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text.strip().lower())
    if not match:
        raise HnasError(f"{option} is {text!r}; allowed is HEIGHTxWIDTH in pixels, such as 480x480")
    return int(match[1]), int(match[2])


def parse_duration(text: str, option: str) -> float:
    """``90s``, ``10m`` or ``1.5h`` as seconds.

    Raises:
        HnasError: anything else, or nothing at all, naming the option.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([smh])", text.strip().lower())
    seconds = float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]] if match else 0.0
    if not seconds:
        raise HnasError(f"{option} is {text!r}; allowed is a time above 0, such as 90s, 10m or 1.5h")
    return seconds


def say(words: str) -> None:
    """A line on stderr."""
    print(words, file=sys.stderr, flush=True)
