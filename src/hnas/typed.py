"""Plain values, as a file or a person has them, turned into the types that settings are declared with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from hnas.errors import HnasError
from hnas.values import shown

_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_UNIONS = (UnionType, Union)


def typed(value: object, hint: Any, what: str) -> Any:
    """A plain value as a type that settings may have.

    These are text, whole numbers, fractions, truth values, paths, choices of texts (``Literal``), tuples of any
    length of these, and unions of them and nothing (``None``). Numbers may be written as text, ``1e-4`` as well as
    ``"0.0001"``, and one value in place of a tuple of one.

    Args:
        value: text, a number, true, false, nothing or a list of these.
        hint: the type.
        what: begins the message, such as ``my.yaml: steps``.

    Raises:
        HnasError: the value is none of that type.
    """
    if isinstance(value, Mapping):
        raise HnasError(f"{what} is a mapping; a single value or a list is needed")
    if get_origin(hint) in _UNIONS:
        return _one_of(value, get_args(hint), what)
    if get_origin(hint) is Literal:
        return _choice(value, get_args(hint), what)
    if get_origin(hint) is tuple:
        return _several(value, get_args(hint)[0], what)
    convert, needed = _SIMPLE[hint]
    try:
        return convert(value)
    except (TypeError, ValueError, OverflowError):
        raise HnasError(f"{what} is {shown(value)}; {needed} is needed") from None


def _one_of(value: object, hints: tuple[Any, ...], what: str) -> Any:
    """The first of several types that takes the value; what the first one says, if none does."""
    if value is None and NoneType in hints:
        return None
    mistakes = []
    for hint in hints:
        if hint is not NoneType:
            try:
                return typed(value, hint, what)
            except HnasError as error:
                mistakes.append(error)
    raise mistakes[0]


def _choice(value: object, allowed: tuple[Any, ...], what: str) -> Any:
    if isinstance(value, str) and value in allowed:
        return value
    names = ", ".join(f'"{name}"' for name in allowed)
    raise HnasError(f"{what} is {shown(value)}; allowed are {names}")


def _several(value: object, hint: Any, what: str) -> tuple[Any, ...]:
    if value is None:
        raise HnasError(f"{what} is None; one or more values are needed")
    if not isinstance(value, list | tuple):
        return (typed(value, hint, what),)
    for inner in value:
        if inner is None or isinstance(inner, Mapping | list | tuple):
            raise HnasError(f"{what} has {shown(inner)} in its list; single values are needed")
    return tuple(typed(inner, hint, what) for inner in value)


def _whole(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value.strip()):
        return int(value)
    number = _fraction(value)
    if isinstance(value, int):
        return value
    if not number.is_integer():
        raise ValueError(value)
    return int(number)


def _fraction(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(value)
    return float(value)


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUTHS:
        return _TRUTHS[value.lower()]
    raise TypeError(value)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(value)
    return str(value)


#: By type: what converts a value, and what the value must be.
_SIMPLE: Mapping[Any, tuple[Callable[[object], Any], str]] = {
    int: (_whole, "a whole number"),
    float: (_fraction, "a number"),
    bool: (_truth, "true or false"),
    str: (_text, "a text"),
    Path: (lambda value: Path(_text(value)), "a path"),
}
