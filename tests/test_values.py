"""Plain values: whatever a YAML or JSON file holds ends in values or in one line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnas.errors import HnasError
from hnas.nets import NetworkSettings
from hnas.searching.settings import SearchSettings
from hnas.settings import load_settings
from hnas.training.settings import TrainingSettings
from hnas.values import MAX_DEPTH, as_yaml, json_lines, parse_json, parse_yaml, read_json, read_yaml

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs"))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", min_size=1), PLAIN, max_size=3))
def test_plain_values_survive_yaml(values: dict[str, Any]) -> None:
    assert parse_yaml(as_yaml(values), where="here") == values


def test_what_appears_twice_is_written_twice() -> None:
    twice = [1, 2]
    assert parse_yaml(as_yaml({"a": twice, "b": (twice, twice)}), where="here") == {"a": twice, "b": [twice, twice]}


#: By what is wrong with them; among them all that PyYAML raises errors of its own for.
YAML = {
    "alias": "a: &x [1]\nb: *x",
    "recursion": "a: &x [*x]",
    "merged alias": "a: &x {b: 1}\nc: {<<: *x}",
    "date": "a: 2024-01-01",
    "no date": "a: 2024-99-99",
    "time": "a: 2001-12-14t21:59:43.10-05:00",
    "hexadecimal": "a: 0x_",
    "binary number": "a: 0b_",
    "no truth": "a: !!bool x",
    "no number": "a: !!int x",
    "no fraction": "a: !!float x",
    "no timestamp": "a: !!timestamp x",
    "bytes": "a: !!binary aGVsbG8=",
    "no bytes": "a: !!binary é",
    "set": "a: !!set {b, c}",
    "pairs": "a: !!pairs [b: c]",
    "python": "a: !!python/object/apply:os.getcwd []",
    "infinity": "a: .inf",
    "not a number": "a: .nan",
    "large": "a: " + "9" * 30,
    "very large": "a: " + "9" * 5000,
    "name of a number": "1: a",
    "name of nothing": "null: a",
    "name of a list": "? [a]\n: b",
    "name of a mapping": "? {a: b}\n: c",
    "depth": "a: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    "great depth": "a: " + "[" * 30_000,
    "great depth of blocks": "- " * 30_000,
    "two documents": "a: 1\n---\nb: 2",
    "tabs": "a:\n\t- b",
    "control": "a: \x07",
    "merged text": "<<: a",
    "no end": 'a: "',
}


def _refusal(read: Callable[..., Any], path: Path) -> str:
    """The one line that a reader refuses a file with: the file, and at the end what to do."""
    with pytest.raises(HnasError) as caught:
        read(path, advice="do this")
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.endswith("; do this")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("text", YAML.values(), ids=YAML.keys())
def test_yaml_that_is_not_plain_is_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    assert len(_refusal(read_yaml, path)) < 600


JSON = {
    "nothing": "",
    "half": "[1",
    "depth": "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    "great depth": "[" * 200_000,
    "great depth of objects": '{"a":' * 200_000,
    "infinity": "[Infinity]",
    "not a number": '{"a": NaN}',
    "beyond all numbers": "1e999",
    "large": "-" + "9" * 30,
    "very large": "9" * 5000,
    "half a character": '["\\ud800"]',
    "half a character for a name": '{"\\udfff": 1}',
}


@pytest.mark.parametrize("text", JSON.values(), ids=JSON.keys())
def test_json_that_is_not_plain_is_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    _refusal(read_json, path)


@given(st.binary(max_size=40))
def test_any_bytes_are_json_or_one_line(content: bytes) -> None:
    with suppress(HnasError):
        parse_json(content, where="here")


def test_half_a_line_at_the_end_is_left_out_and_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"a": 1}\n{"b": NaN}\n{"c":')
    assert next(line for _, line in json_lines(path, finite=False)) == {"a": 1}
    with pytest.raises(HnasError, match=r"log\.jsonl, line 2: holds the number nan"):
        list(json_lines(path))


ODD = (
    *(None, True, False, 0, -1, 1.5, 2**62, -(2**62), 1e300, "", "x", "1", "nan", "inf", "-inf", "0x_", "\n", "--a"),
    *([], [None], [[1]], [{}], {}, {"a": 1}, ["x"], [1, 2], ["nan"], [-1], [2**62], "a" * 1000, "..", "1..2", "2..x"),
)


@pytest.mark.parametrize("settings", [NetworkSettings, TrainingSettings, SearchSettings])
def test_any_value_of_any_setting_is_taken_or_one_line(settings: type[Any]) -> None:
    """Three values for one setting, those beside them for the next."""
    for number, name in enumerate(settings.__dataclass_fields__):
        for value in ODD[number % 11 :: 11]:
            with suppress(HnasError):
                load_settings(settings, {name: value}, source="a.yaml")
