"""Reading genotypes from plain values: what every kind checks alike, with messages that name the value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from hnas.errors import HnasError


def fields_of(value: object, form: str, names: set[str]) -> Mapping[str, object]:
    """The fields of a genotype's object, ``format`` among them.

    Args:
        value: what was read.
        form: the only format that is allowed, such as ``hnas-genotype/1``.
        names: of all other fields.

    Raises:
        HnasError: no object, another format, a field missing or unknown.
    """
    if not isinstance(value, Mapping):
        raise HnasError(f"a genotype is a JSON object of the format {form}, not {shown(value)}")
    if value.get("format") != form:
        raise HnasError(f"the genotype's format is {shown(value.get('format'))}; allowed is {form!r}")
    names = {"format", *names}
    if missing := names - value.keys():
        raise HnasError(f"the genotype lacks {', '.join(sorted(missing))}")
    if unknown := value.keys() - names:
        more = shown(sorted(map(str, unknown)))
        raise HnasError(f"the genotype has unknown fields {more}; allowed are {', '.join(sorted(names))}")
    return value


def json_value(text: str, form: str) -> object:
    """What a text holds as JSON.

    Raises:
        HnasError: it is no JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HnasError(f"this is no JSON ({error}); a genotype is an object of the format {form}") from error


def sequence(what: str, value: object) -> Sequence[object]:
    """A list.

    Raises:
        HnasError: it is something else.
    """
    if not isinstance(value, list | tuple):
        raise HnasError(f"{what} is {shown(value)}; a list is needed")
    return value


def whole_number(what: str, value: object) -> int:
    """A whole number.

    Raises:
        HnasError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise HnasError(f"{what} is {shown(value)}; a whole number is needed")
    return value


def text(what: str, value: object) -> str:
    """A text.

    Raises:
        HnasError: it is something else.
    """
    if not isinstance(value, str):
        raise HnasError(f"{what} is {shown(value)}; a text is needed")
    return value


def shown(value: object) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
