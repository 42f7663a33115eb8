"""Damaged files for every reader: each ends in a result or in one line, within bounds, with nothing half-written.

``make fuzz`` runs this with 10,000 inputs (``HNAS_FUZZ_INPUTS``) and prints the figures. What Hypothesis found before
comes first; the files of past failures are made by ``past.py`` and ``tests/hostile_files.py``, and read by every run of
the tests.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.past import PAST
from tests.fuzz.readers import READERS, Reader
from tests.hostile_files import measure

INPUTS = int(os.environ.get("HNAS_FUZZ_INPUTS", "10000"))
#: Of what a file of a megabyte may take at most (SECURITY.md).
MEGABYTES, SECONDS = 200, 2
_SHARES = sum(reader.share for reader in READERS.values())
figures: Counter[str] = Counter()
most = {"megabytes": 0.0, "seconds": 0.0}


@pytest.fixture(scope="module", autouse=True)
def said() -> Iterator[None]:
    """The figures, at the end."""
    yield
    names = ("inputs", "read", "refused", "tracebacks", "half-written", "over 200 MB", "over 2 s")
    found = {name: figures[name] for name in names} | {f"most {name}": round(value, 2) for name, value in most.items()}
    sys.stdout.write(f"\n{json.dumps(found)}\n")


def put(reader: Reader, folder: Path, content: bytes) -> Path:
    """The file with what lies beside it; gives what is to be read."""
    for name, data in {**reader.beside(), reader.path: content}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    path = Path(reader.path)
    return folder / path.parts[0]


def try_one(name: str, content: bytes) -> dict[str, object]:
    """Reads a file; what that took, and how it ended."""
    reader = READERS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = put(reader, Path(folder), content)
        before = {file: file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()}
        took = measure(reader.read, path)
        after = {file: file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()}
        allowed = {Path(folder) / one for one in reader.writes} if took["ended"] == "read" else set()
        half = {file for file in after.keys() | before.keys() if before.get(file) != after.get(file)} - allowed
        return {**took, "half": sorted(file.name for file in half)}


@pytest.mark.fuzz
@pytest.mark.parametrize("name", READERS)
def test_damaged_files_end_in_a_result_or_in_one_line(name: str) -> None:
    reader = READERS[name]

    @settings(
        max_examples=round(INPUTS * reader.share / _SHARES) + 1,
        suppress_health_check=list(HealthCheck), deadline=None, report_multiple_bugs=True,
    )  # fmt: skip
    @given(content=reader.contents())
    def attempt(content: bytes) -> None:
        took = try_one(name, content)
        ended = str(took["ended"])
        wrong = {
            "tracebacks": not ended.startswith(("read", "refused: ")) or "\n" in ended,
            "half-written": bool(took["half"]),
            "over 200 MB": float(str(took["megabytes"])) > MEGABYTES,
            "over 2 s": float(str(took["seconds"])) > SECONDS,
        }
        figures.update(
            ["inputs", "read" if ended == "read" else "refused", *(one for one, is_so in wrong.items() if is_so)]
        )
        for what in most:
            most[what] = max(most[what], float(str(took[what])))
        assert not any(wrong.values()), took

    attempt()


@pytest.mark.parametrize("name", READERS)
def test_what_is_damaged_was_whole(name: str) -> None:
    """Otherwise every damage would be refused at the door."""
    reader = READERS[name]
    whole = [*reader.files(), *map(reader.encode, reader.values())]
    assert whole
    ended = [try_one(name, content)["ended"] for content in whole]
    assert "read" in ended, ended


@pytest.mark.parametrize("number", range(len(PAST)))
def test_what_readers_once_broke_on(number: int) -> None:
    name, content = PAST[number]
    took = try_one(name, content)
    assert str(took["ended"]).startswith(("read", "refused: ")), took  # some are whole: `1_0` is 10
    assert "\n" not in str(took["ended"])
    assert not took["half"]


@settings(max_examples=20)
@given(data=st.data())
def test_some_damaged_files_in_continuous_builds(data: st.DataObject) -> None:
    """Twenty of all readers' files; the rest with ``make fuzz``."""
    name = data.draw(st.sampled_from(sorted(READERS)))
    took = try_one(name, data.draw(READERS[name].contents()))
    assert str(took["ended"]).startswith(("read", "refused: ")), took
    assert not took["half"]


def test_a_reader_that_breaks_is_found() -> None:
    """The suite itself: a traceback and a file that is left are seen."""

    def careless(path: Path) -> None:
        path.with_name("left").write_text("half")
        raise KeyError("format")

    READERS["careless"] = Reader(careless, "a.json", lambda: [b"{}"])
    try:
        took = try_one("careless", b"{}")
    finally:
        del READERS["careless"]
    assert took["ended"] == "KeyError: 'format'"
    assert took["half"] == ["left"]
