"""Plain values from YAML and JSON files, whatever these hold: bounded before they are read, and of known types.

Plain are text, whole numbers, finite fractions, true, false, nothing, and lists and mappings (by text) of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from hnas.errors import HnasError, one_line

#: A file of settings takes a few kilobytes; a JSON file (a report's pictures, a study) some hundreds.
MAX_YAML_BYTES, MAX_JSON_BYTES = 1 << 16, 1 << 24
#: Lists and mappings within each other.
MAX_DEPTH = 32
#: Whole numbers are those that 64 bits hold.
_MAX_WHOLE = 2**63

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_text(path: Path, *, most: int, advice: str = "") -> str:
    """The text of a file of so many bytes at most.

    Args:
        path: of the file.
        most: bytes; a larger file is refused unread.
        advice: what to do where it cannot be read; the end of the message.

    Raises:
        HnasError: no such file, a larger one, or no text.
    """
    more = f"; {advice}" if advice else ""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise HnasError(f"{path}: {error.strerror}{more}") from error
    except ValueError as error:  # of a name that no file can have
        raise HnasError(f"{shown(str(path))}: {error}{more}") from error
    if len(content) > most:
        raise HnasError(f"{path}: larger than {most >> 10} KiB, which no such file needs{more}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise HnasError(f"{path}: not a text file ({error.reason}){more}") from error


def read_yaml(path: Path, *, advice: str = "") -> Any:
    """What a YAML file holds; see :func:`parse_yaml` and :func:`read_text`."""
    return parse_yaml(read_text(path, most=MAX_YAML_BYTES, advice=advice), where=str(path), advice=advice)


def read_yaml_mapping(path: Path, *, advice: str) -> dict[str, Any]:
    """The mapping that a YAML file holds, which may be empty; as :func:`read_yaml`.

    Raises:
        HnasError: it holds something else.
    """
    value = read_yaml(path, advice=advice)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise HnasError(f"{path}: not a mapping of settings to values; {advice}")
    return value


def parse_yaml(text: str, *, where: str, advice: str = "") -> Any:
    """What a YAML text holds. Aliases are refused: a few bytes of them unfold to gigabytes.

    Args:
        text: of one document.
        where: the file it comes from.
        advice: what to do where it is none; the end of the message.

    Raises:
        HnasError: no YAML, or values that are not plain.
    """
    more = f"; {advice}" if advice else ""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                raise HnasError(
                    f"{where}: has an alias (*{event.anchor}); write the value out where it is needed{more}"
                )
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            _refuse_depth(depth, where, more)
        value = yaml.load(text, Loader=_Loader)
    except HnasError:
        raise
    except Exception as error:  # tags such as !!bool x and !!timestamp x raise anything, beside YAMLError
        raise HnasError(f"{where}: not valid YAML ({_said(error)}){more}") from error
    return plain(value, where=where, advice=advice)


class _Dumper(yaml.SafeDumper):
    """Writes out in full what appears twice; :func:`parse_yaml` refuses aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(value: Mapping[str, Any]) -> str:
    """Plain values as YAML that :func:`parse_yaml` reads; tuples become lists."""
    return str(yaml.dump(dict(value), Dumper=_Dumper, sort_keys=False))


def read_json(path: Path, *, advice: str = "", most: int = MAX_JSON_BYTES) -> Any:
    """What a JSON file holds; see :func:`parse_json` and :func:`read_text`."""
    return parse_json(read_text(path, most=most, advice=advice), where=str(path), advice=advice)


def parse_json(text: str | bytes, *, where: str, advice: str = "", finite: bool = True) -> Any:
    """What a JSON text holds.

    Args:
        text: one value.
        where: the file it comes from.
        advice: what to do where it is none; the end of the message.
        finite: whether all numbers must be.

    Raises:
        HnasError: no JSON, or values that are not plain.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        more = f"; {advice}" if advice else ""
        raise HnasError(f"{where}: no readable JSON ({_said(error)}){more}") from error
    return plain(value, where=where, advice=advice, finite=finite)


def json_lines(path: Path, *, finite: bool = True) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a file with one JSON object a line, each with its place; half a line at the end is left out.

    Raises:
        HnasError: the file cannot be read, or a line holds something else.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_JSON_BYTES), b""), start=1):
                where = f"{path}, line {number}"
                if not line.endswith(b"\n"):
                    if len(line) == MAX_JSON_BYTES:
                        raise HnasError(f"{where}: longer than {MAX_JSON_BYTES >> 20} MiB; take the line out")
                    return
                value = parse_json(line, where=where, advice="take the line out", finite=finite)
                if not isinstance(value, dict):
                    raise HnasError(f"{where}: not a JSON object; take the line out")
                yield where, value
    except OSError as error:
        raise HnasError(f"{path}: {error.strerror}") from error


def plain(value: Any, *, where: str, advice: str = "", finite: bool = True) -> Any:
    """The value itself, if it is plain.

    Raises:
        HnasError: it is not; the first that is not is named.
    """
    more = f"; {advice}" if advice else ""
    waiting = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, dict | list):
            _refuse_depth(depth, where, more)
        if isinstance(one, dict):
            waiting += ((inner, depth + 1) for pair in one.items() for inner in pair)
            if names := [name for name in one if not isinstance(name, str)]:
                raise HnasError(f"{where}: has the name {shown(names[0])}; a name is a text{more}")
        elif isinstance(one, list):
            waiting += ((inner, depth + 1) for inner in one)
        elif isinstance(one, str):
            if any("\ud800" <= character <= "\udfff" for character in (() if one.isascii() else one)):
                raise HnasError(f"{where}: holds {shown(one)}, half a character{more}")
        elif isinstance(one, float):
            if finite and not isfinite(one):
                raise HnasError(f"{where}: holds the number {one}; allowed are finite ones{more}")
        elif isinstance(one, int):
            if abs(one) >= _MAX_WHOLE:
                raise HnasError(f"{where}: holds a whole number of {len(hex(one)) - 2} hexadecimal digits{more}")
        elif one is not None:
            allowed = "text, numbers, true, false, lists and mappings"
            raise HnasError(f"{where}: holds {shown(one)}, a {type(one).__name__}; allowed are {allowed}{more}")
    return value


def _refuse_depth(depth: int, where: str, more: str) -> None:
    if depth > MAX_DEPTH:
        raise HnasError(f"{where}: has more than {MAX_DEPTH} lists and mappings within each other{more}")


def _said(error: BaseException) -> str:
    return one_line(error)[:200] or type(error).__name__


def mapping(what: str, value: object) -> Mapping[str, Any]:
    """A mapping.

    Raises:
        HnasError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise HnasError(f"{what} is {shown(value)}; a mapping is needed")
    return value


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


def number(what: str, value: object) -> float:
    """A finite number.

    Raises:
        HnasError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise HnasError(f"{what} is {shown(value)}; a finite number is needed")
    return float(value)


def finite_or_none(value: object) -> float | None:
    """A value from a file as a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if isfinite(found) else None


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
