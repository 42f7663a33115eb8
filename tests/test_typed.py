"""Plain values become the types that settings are declared with, or one line says what is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from hnas.errors import HnasError
from hnas.typed import typed

Choice = Literal["cosine", "constant"]


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (5, int, 5),
        ("5", int, 5),
        (5.0, int, 5),
        ("1e3", int, 1000),
        (2**62 + 1, int, 2**62 + 1),
        (5, float, 5.0),
        ("1e-4", float, 1e-4),
        (True, bool, True),
        ("No", bool, False),
        (480, str, "480"),
        ("", str, ""),
        ("x/y", Path, Path("x/y")),
        ("cosine", Choice, "cosine"),
        ("cosine", Choice | None, "cosine"),
        (None, Choice | None, None),
        (None, float | None, None),
        ("0.05..0.95", float | str, "0.05..0.95"),
        ("0.5", float | str, 0.5),
        ([8, "16"], tuple[int, ...], (8, 16)),
        (8, tuple[int, ...], (8,)),
        ([], tuple[float, ...], ()),
        (["a"], tuple[Path, ...], (Path("a"),)),
        ([1], tuple[str, ...] | None, ("1",)),
    ],
)
def test_values_as_people_and_files_have_them(value: object, hint: Any, expected: object) -> None:
    found = typed(value, hint, "x")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "hint", "said"),
    [
        (5.5, int, "x is 5.5; a whole number is needed"),
        (True, int, "x is True; a whole number is needed"),
        ("nan", int, "x is 'nan'; a whole number is needed"),
        ("inf", int, "x is 'inf'; a whole number is needed"),
        ([5], int, "x is [5]; a whole number is needed"),
        (10**400, float, "a number is needed"),
        (None, float, "x is None; a number is needed"),
        (1, bool, "x is 1; true or false is needed"),
        (True, str, "x is True; a text is needed"),
        (True, Path, "x is True; a path is needed"),
        ("linear", Choice, 'x is \'linear\'; allowed are "cosine", "constant"'),
        ([], Choice, "x is []; allowed are"),
        ([[1]], tuple[int, ...], "x has [1] in its list; single values are needed"),
        ([1, None], tuple[int, ...], "x has None in its list"),
        (None, tuple[int, ...], "x is None; one or more values are needed"),
        ({"a": 1}, tuple[int, ...], "x is a mapping; a single value or a list is needed"),
        ({}, float | None, "x is a mapping"),
    ],
)
def test_what_is_not_of_the_type_is_one_line(value: object, hint: Any, said: str) -> None:
    with pytest.raises(HnasError) as caught:
        typed(value, hint, "x")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
