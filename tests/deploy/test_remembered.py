"""Times are kept for a day, for one family and one machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hnas.deploy.design.remembered import FRESH, remember, remembered
from hnas.deploy.timing.stopwatch import Machine
from tests.deploy.made_family import candidate

FAMILY = [candidate("a", 30.0), candidate("b", 31.0, macs=2 * 10**9)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("hnas.deploy.timing.stopwatch.runtime_version", lambda backend: f"{backend} 1.0")
    return tmp_path / "hnas" / "attainable"


def test_times_are_kept_for_one_family_and_machine() -> None:
    here = Machine("onnx", 1, (8, 8))
    assert remembered(FAMILY, here) is None
    remember(FAMILY, here, {"a": 1.5, "b": 2.5, "peer": 9.0})
    assert remembered(FAMILY, here) == {"a": 1.5, "b": 2.5}
    assert remembered(FAMILY[:1], here) is None
    assert remembered(FAMILY, Machine("onnx", 1, (8, 9))) is None
    assert remembered(FAMILY, Machine("openvino", 1, (8, 8))) is None


def test_old_and_damaged_ones_count_for_nothing(cache: Path) -> None:
    here = Machine("onnx", 1, (8, 8))
    remember(FAMILY, here, {"a": 1.5, "b": 2.5})
    (path,) = cache.iterdir()
    old = time.time() - FRESH - 1
    os.utime(path, (old, old))
    assert remembered(FAMILY, here) is None
    path.write_text('{"a": 1.5}')
    assert remembered(FAMILY, here) is None
    path.write_text("no JSON")
    assert remembered(FAMILY, here) is None


def test_a_cache_that_cannot_be_written_is_none(cache: Path) -> None:
    cache.parent.write_text("in the way")
    remember(FAMILY, Machine("onnx", 1, (8, 8)), {"a": 1.5, "b": 2.5})
    assert remembered(FAMILY, Machine("onnx", 1, (8, 8))) is None
