"""Settings outside their bounds, refused in one sentence that says what is allowed."""

from __future__ import annotations

import re
from math import isfinite
from typing import Literal, get_args, get_origin, get_type_hints

from hnas.errors import HnasError

_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def quantity(name: str, value: float | str, *, unit: str = "") -> float:
    """A number of 0 or more, plain or as ``300k``, ``12M``, ``30.6G`` or with its unit, as ``40ms``.

    Raises:
        HnasError: anything else.
    """
    match = re.fullmatch(rf"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?) ?({'|'.join(_FACTORS)}|{unit})", str(value).strip())
    if not match:
        example = f"40 or 40{unit}" if unit else "300k, 12M or 30.6G"
        raise HnasError(f"{name} is {value!r}; allowed is a number of 0 (no limit) or more, such as {example}")
    return float(match[1]) * _FACTORS.get(match[2], 1.0)


def refuse_below(least: float, settings: object, *names: str) -> None:
    """Every value so named must be a finite number of at least ``least``.

    Raises:
        HnasError: one is not.
    """
    for name in names:
        value = getattr(settings, name)
        if not (value >= least and isfinite(value)):
            raise HnasError(f"{name} is {value}; allowed is {least:g} and more")


def refuse_not_above_zero(settings: object, *names: str) -> None:
    """Every value so named must be a finite number above 0.

    Raises:
        HnasError: one is not.
    """
    for name in names:
        value = getattr(settings, name)
        if not (value > 0 and isfinite(value)):
            raise HnasError(f"{name} is {value}; allowed is a number above 0")


def refuse_unlisted(settings: object) -> None:
    """Every attribute that is annotated as a ``Literal`` must be one of its values.

    Raises:
        HnasError: one is not.
    """
    for name, hint in get_type_hints(type(settings)).items():
        if get_origin(hint) is Literal and getattr(settings, name) not in get_args(hint):
            allowed = ", ".join(map(str, get_args(hint)))
            raise HnasError(f"{name} is {getattr(settings, name)!r}; allowed are {allowed}")


def refuse_no_part(settings: object, *names: str) -> None:
    """Each of these must be a part of something: more than 0 and at most 1.

    Raises:
        HnasError: one is not.
    """
    for name in names:
        if not 0 < getattr(settings, name) <= 1:
            raise HnasError(f"{name} is {getattr(settings, name)}; allowed is more than 0 and at most 1")


class Checked:
    """The root of settings that are joined by inheritance: each checks its own values, then calls the next."""

    def __post_init__(self) -> None:
        refuse_unlisted(self)
