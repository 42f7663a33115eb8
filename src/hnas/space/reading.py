"""Reading genotypes from plain values: what every kind checks alike, with messages that name the value."""

from __future__ import annotations

from collections.abc import Mapping

from hnas.errors import HnasError
from hnas.values import parse_json, shown


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
        return parse_json(text, where="a genotype")
    except HnasError as error:
        raise HnasError(f"this is no JSON of a genotype ({error}); an object of the format {form} is needed") from error
