"""MATLAB files (level 5, as -v6 and -v7 write them), looked through before anything of their size is allocated.

The format: MathWorks, MAT-File Format, level 5. scipy's reader believes what a file says of its sizes, and a damaged
one ends the process; so numbers, cells and structs are read here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from struct import unpack_from
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnas.errors import HnasError

_HEADER_BYTES = 128
#: Types of elements.
_MATRIX, _COMPRESSED = 14, 15
#: Classes of arrays that hold other arrays, and those of text and numbers.
_CELL, _STRUCT = 1, 2
_LEAVES = (4, *range(6, 16))
#: By the type of an element that holds numbers, and by the class of an array: how numpy calls it.
_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
    16: "u1",
    17: "u2",
}
_CLASSES = {
    4: "u2", 6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_MAX_DEPTH = 16
#: Weights hardly compress; those of single precision saved in double do so by half.
_MOST_INFLATED, _INFLATED_BESIDE = 4, 1 << 20


def read_matlab(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name: of numbers, of arrays (cells), and with arrays by field (structs).

    Raises:
        HnasError: see :func:`refuse_unfolding`; an array has more or fewer values than its sizes say.
    """
    refuse_unfolding(path)
    content = path.read_bytes()
    order = {b"IM": "<", b"MI": ">"}[content[126:_HEADER_BYTES]]
    found: dict[str, NDArray[Any]] = {}
    try:
        for kind, data in _elements(content[_HEADER_BYTES:], order):
            inner = _elements(zlib.decompress(data), order) if kind == _COMPRESSED else iter([(kind, data)])
            found |= dict(_array(value, order) for one, value in inner if one == _MATRIX)
    except (ValueError, struct.error, zlib.error) as error:
        raise HnasError(f"{path}: damaged, or no MATLAB file ({error})") from error
    return found


def _array(data: bytes, order: str) -> tuple[str, NDArray[Any]]:
    """The name and the values of a matrix."""
    if not data:
        return "", np.zeros((0, 0))
    (_, flags), (_, sizes), (_, name), *parts = _elements(data, order)
    kind = unpack_from(f"{order}I", flags)[0] & 0xFF
    shape = unpack_from(f"{order}{len(sizes) // 4}i", sizes)
    if min(shape, default=-1) < 0:
        raise ValueError(f"an array of the sizes {shape}")
    if kind in _CLASSES:
        numbers, raw = parts[0] if parts else (1, b"")
        if numbers not in _TYPES:
            raise ValueError(f"an array of numbers of the type {numbers}")
        values = np.frombuffer(raw, order + _TYPES[numbers]).reshape(shape, order="F")
        return name.decode("latin-1"), values.astype(_CLASSES[kind])
    fields = [""]
    if kind == _STRUCT:
        (_, length), (_, names), *parts = parts
        width = max(1, unpack_from(f"{order}i", length)[0])
        fields = [names[at : at + width].partition(b"\0")[0].decode("latin-1") for at in range(0, len(names), width)]
    inside = [_array(value, order)[1] for one, value in parts if one == _MATRIX]
    if len(inside) != prod(shape) * len(fields):
        raise ValueError(f"{len(inside)} arrays where the sizes say {prod(shape) * len(fields)}")
    columns = {field: np.empty(prod(shape), object) for field in fields}
    for index, one in enumerate(inside):
        columns[fields[index % len(fields)]][index // len(fields)] = one
    if kind == _CELL:
        return name.decode("latin-1"), columns[""].reshape(shape, order="F")
    made = np.empty(shape, [(field, object) for field in fields])
    for field, column in columns.items():
        made[field] = column.reshape(shape, order="F")
    return name.decode("latin-1"), made


def refuse_unfolding(path: Path) -> None:
    """Checks that a file holds as much as it says it does, and inflates to a few times its size at most.

    Raises:
        HnasError: it does not, is of another level, or has arrays that weights do not need.
    """
    content = path.read_bytes()
    order = {b"IM": "<", b"MI": ">"}.get(content[126:_HEADER_BYTES])
    if order is None or content[124:126] not in (b"\x00\x01", b"\x01\x00"):
        raise HnasError(f"{path}: no MATLAB file of level 5; save it again with -v7")
    left = _MOST_INFLATED * len(content) + _INFLATED_BESIDE
    try:
        for kind, data in _elements(content[_HEADER_BYTES:], order):
            if kind == _COMPRESSED:
                stream = zlib.decompressobj()
                inflated = stream.decompress(data, left)
                left -= len(inflated)
                if left <= 0:
                    raise HnasError(
                        f"{path}: inflates to more than {_MOST_INFLATED} times its size, so it is no weights"
                    )
                for inner, value in _elements(inflated, order):
                    _check(inner, value, order, _MAX_DEPTH)
            else:
                _check(kind, data, order, _MAX_DEPTH)
    except HnasError:
        raise
    except (ValueError, StopIteration, struct.error, zlib.error) as error:
        raise HnasError(f"{path}: damaged, or no MATLAB file ({error})") from error


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """The types and contents of elements one after the other."""
    place = 0
    while place + 8 <= len(data):
        kind, size = unpack_from(f"{order}II", data, place)
        if kind >> 16:  # a small one: type and size in four bytes, the content in the next four
            kind, size, start = kind & 0xFFFF, kind >> 16, place + 4
            place += 8
        else:
            start = place + 8
            place = start + size + (-size % 8 if kind != _COMPRESSED else 0)
        if start + size > len(data):
            raise ValueError(f"an element of {size} bytes, and {len(data) - start} are left")
        yield kind, data[start : start + size]


def _check(kind: int, data: bytes, order: str, depth: int) -> None:
    """Raises ValueError for an array that has fewer parts than it says."""
    if kind != _MATRIX or not data:
        return
    if depth == 0:
        raise ValueError(f"more than {_MAX_DEPTH} arrays within each other")
    parts = _elements(data, order)
    (_, flags), (_, sizes), _ = next(parts), next(parts), next(parts)
    array = unpack_from(f"{order}I", flags)[0] & 0xFF
    count = prod(unpack_from(f"{order}{len(sizes) // 4}I", sizes))
    if array == _STRUCT:
        (_, length), (_, names) = next(parts), next(parts)
        count *= max(1, len(names) // max(1, unpack_from(f"{order}I", length)[0]))
    elif array != _CELL:
        if array not in _LEAVES:
            raise ValueError(f"an array of class {array}; weights are numbers, cells and structs")
        return
    if 8 * count > len(data):
        raise ValueError(f"{count} arrays in {len(data)} bytes")
    for inner, value in parts:
        _check(inner, value, order, depth - 1)
