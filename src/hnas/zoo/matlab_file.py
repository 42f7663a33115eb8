"""MATLAB files (level 5, as -v6 and -v7 write them), looked through before anything of their size is allocated.

The format: MathWorks, MAT-File Format, level 5. scipy, which reads the numbers afterwards, believes what a file says of
its sizes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from struct import unpack_from

from hnas.errors import HnasError

_HEADER_BYTES = 128
#: Types of elements.
_MATRIX, _COMPRESSED = 14, 15
#: Classes of arrays that hold other arrays, and those of text and numbers.
_CELL, _STRUCT = 1, 2
_LEAVES = (4, *range(6, 16))
_MAX_DEPTH = 16
#: Weights hardly compress; those of single precision saved in double do so by half.
_MOST_INFLATED, _INFLATED_BESIDE = 4, 1 << 20


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
