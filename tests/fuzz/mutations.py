"""Damage: to bytes, as a disk or an attacker does it, and to the values that a file holds, as a person does it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

#: What parsers stumble over: lengths of nearly 2^32 and 2^31, words of JSON and YAML, marks of formats.
_PIECES = [
    *(b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0" * 8, b"\xff" * 8, b"\x80\0\0\0", b"\0\0\0\x80"),
    *(
        b"999999999999",
        b"-1",
        b"1e999",
        b"NaN",
        b"Infinity",
        b"null",
        b"true",
        b"[",
        b"{",
        b'"',
        b"\n",
        b"0x_",
        b"..\\",
    ),
    *(b"&a ", b"*a", b"!!bool x", b"!!timestamp x", b"!!binary x", b"<<: ", b"? ", b"2001-02-30", b"PK\x03\x04", b"."),
    *(b"\xed\xa0\x80", b"\\ud800", b"1_0", b"'", b"---\n", b"\x80\x02", b"c__builtin__\neval\n"),
]
#: What stands where something else belongs.
_ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"), -float("inf")),
    *("", "x", "\ud800", "9" * 400, [], {}, [[]], [None], {"": None}, {"x": [1]}, [0] * 300, ["a"] * 3),
]

Bytes = Callable[[bytes], bytes]
place = st.floats(0, 1, exclude_max=True)


def _flip(at: float, by: int) -> Bytes:
    def change(data: bytes) -> bytes:
        where = int(at * len(data))
        return data[:where] + bytes([data[where] ^ by]) + data[where + 1 :] if data else data

    return change


def _cut(at: float, length: int) -> Bytes:
    return lambda data: data[: int(at * len(data))] + data[int(at * len(data)) + length :]


def _end(at: float) -> Bytes:
    return lambda data: data[: int(at * len(data))]


def _put(at: float, piece: bytes, over: bool) -> Bytes:
    def change(data: bytes) -> bytes:
        where = int(at * len(data))
        return data[:where] + piece + data[where + len(piece) * over :]

    return change


def _again(at: float, to: float, length: int, times: int) -> Bytes:
    def change(data: bytes) -> bytes:
        start, where = int(at * len(data)), int(to * len(data))
        return data[:where] + data[start : start + length] * times + data[where:]

    return change


_edits = st.one_of(
    st.builds(_flip, place, st.integers(1, 255)),
    st.builds(_cut, place, st.integers(1, 64)),
    st.builds(_end, place),
    st.builds(_put, place, st.sampled_from(_PIECES), st.booleans()),
    st.builds(_put, place, st.binary(max_size=12), st.booleans()),
    st.builds(_again, place, place, st.integers(1, 64), st.integers(1, 40)),
)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes with up to five changes; never more than a megabyte."""
    for edit in draw(st.lists(_edits, min_size=1, max_size=5)):
        data = edit(data)
    return data[: 1 << 20]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places in a tree of lists and mappings."""
    found = [path] if path else []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += _places(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:40]):
            found += _places(inner, (*path, index))
    return found


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """A tree of plain values with up to three changes: other values, none, ones from elsewhere, more of them."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(value)
        if not places:
            return draw(st.sampled_from(_ODD))
        *parents, last = draw(st.sampled_from(places))
        inside = value
        for step in parents:
            inside = inside[step]
        kind = draw(st.integers(0, 4))
        if kind == 0:
            del inside[last]
        elif kind == 1 and isinstance(inside, dict):
            inside[draw(st.sampled_from(["", "x", "format", "scale"]))] = inside.pop(last)
        elif kind == 2:
            other = draw(st.sampled_from(places))
            taken: Any = value
            try:
                for step in other:
                    taken = taken[step]
            except (KeyError, IndexError, TypeError):
                continue
            inside[last] = copy.deepcopy(taken)
        elif kind == 3 and isinstance(inside, list):
            inside += [copy.deepcopy(inside[last])] * draw(st.integers(1, 300))
        else:
            inside[last] = copy.deepcopy(draw(st.sampled_from(_ODD)))
    return value
