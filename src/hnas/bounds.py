"""Settings outside their bounds, refused in one sentence that says what is allowed."""

from __future__ import annotations

from math import isfinite
from typing import Literal, get_args, get_origin, get_type_hints

from hnas.errors import HnasError


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
