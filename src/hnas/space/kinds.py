"""The kinds of genotypes that there are, and reading one, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

from hnas.errors import HnasError
from hnas.registry import Registry
from hnas.space import cells, chain
from hnas.space.protocol import Genotype, Space
from hnas.space.reading import json_value
from hnas.space.style import Style
from hnas.values import read_text, shown

SpaceName = Literal["cells", "chain"]


@dataclass(frozen=True)
class Kind:
    """One space and its genotypes.

    Attributes:
        format: of its genotypes' JSON.
        read: makes a genotype of plain values.
        space: the space's dataclass.
        operations: what its genotypes choose from, by where and by name; each entry has a ``style``.
    """

    format: str
    read: Callable[[object], Genotype]
    space: type[Any]
    operations: Mapping[str, Registry[Any]]


#: By the name that ``--space`` takes, which is also that of the genotypes' ``kind``.
KINDS: Mapping[str, Kind] = {
    "cells": Kind(
        cells.FORMAT,
        cells.CellGenotype.from_dict,
        cells.CellSpace,
        {f"{kind} cell": operations for kind, operations in cells.OPERATIONS.items()},
    ),
    "chain": Kind(chain.FORMAT, chain.ChainGenotype.from_dict, chain.ChainSpace, {"blocks": chain.BLOCKS}),
}

#: A genotype takes a few hundred bytes; anything near this is not one.
_MAX_FILE_BYTES = 1 << 20


def operation_styles() -> dict[str, Style]:
    """How every operation of any space is drawn and named, in the order of their registries."""
    places = (operations for kind in KINDS.values() for operations in kind.operations.values())
    return {name: entry.style for operations in places for name, entry in operations.usable()}


def space_of(kind: SpaceName, settings: object) -> Space:
    """A space of this kind, its fields taken from settings by their names.

    Raises:
        HnasError: a value that the space does not allow.
    """
    made = KINDS[kind].space
    values = {field.name: getattr(settings, field.name) for field in fields(made)}
    lists = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return cast(Space, made(**lists))


def read_genotype(value: object) -> Genotype:
    """The genotype that plain values describe.

    Raises:
        HnasError: an unknown format, or no valid genotype of that format.
    """
    form = value.get("format") if isinstance(value, Mapping) else None
    for kind in KINDS.values():
        if kind.format == form:
            return kind.read(value)
    if form is None:
        return KINDS["cells"].read(value)  # which says what is wrong with it
    formats = " and ".join(repr(kind.format) for kind in KINDS.values())
    raise HnasError(f"the genotype's format is {shown(form)}; allowed are {formats}")


def parse_genotype(text: str) -> Genotype:
    """The genotype that a JSON text holds.

    Raises:
        HnasError: the text is no JSON, or its object no valid genotype.
    """
    return read_genotype(json_value(text, " or ".join(kind.format for kind in KINDS.values())))


def load_genotype(name_or_path: str | Path) -> Genotype:
    """A genotype by the paper's name (``HNAS-A``) or from a JSON file.

    Raises:
        HnasError: neither a known name nor a readable file with a valid genotype.
    """
    named = cells.NAMED_GENOTYPES.get(str(name_or_path).upper())
    if named is not None:
        return named
    path = Path(name_or_path)
    names = ", ".join(cells.NAMED_GENOTYPES)
    text = read_text(path, most=_MAX_FILE_BYTES, advice=f"give one of {names} or a genotype's JSON file")
    try:
        return parse_genotype(text)
    except HnasError as error:
        raise HnasError(f"{path}: {error}") from error
