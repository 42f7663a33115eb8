"""Where a search's latency table comes from, and when it is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hnas.deploy.timing.latency_table import LatencyCheck, load_latency_table
from hnas.errors import HnasError
from hnas.searching.costs import CostTable
from hnas.searching.latency import cached_path, find_table, machine_of
from hnas.searching.settings import Limits, SearchSettings
from tests.timing import Timing, by_macs, without_clock

CHAINS = SearchSettings(space="chain", widths=(4, 6), depths=(1, 3), lr_size="24x24", max_latency="5ms")
CELLS = SearchSettings(layers=2, nodes=1, target_channels=4, lr_size="24x24", cost="latency")


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Timing:
    return without_clock(monkeypatch, tmp_path / "cache")


@pytest.mark.parametrize("settings", [CHAINS, CELLS], ids=["chain", "cells"])
def test_a_table_is_built_once_and_kept(timing: Timing, settings: SearchSettings) -> None:
    said: list[str] = []
    table = find_table(settings, "cpu", say=said.append)
    assert table is not None
    assert "measuring a latency table" in said[0]
    turns = len(timing.turns)
    assert find_table(settings, "cpu") == table
    assert len(timing.turns) == turns
    (kept,) = (timing.cache / "latency").iterdir()
    assert load_latency_table(kept) == table
    costs = CostTable.with_table(settings, table)
    genotype = settings.search_space.sample(Random(0))
    assert costs(genotype).latency == pytest.approx(by_macs(genotype), rel=0.05)


def test_none_is_needed_where_nothing_asks_for_milliseconds(timing: Timing) -> None:
    assert find_table(replace(CHAINS, max_latency=0.0), "cpu") is None
    assert find_table(replace(CHAINS, max_latency=0.0), "cpu", limits=Limits(latency=5.0)) is not None
    assert find_table(CHAINS, "cpu", limits=Limits(macs=5.0)) is None


@pytest.mark.parametrize(
    "change",
    [{"threads": 1}, {"lr_size": "24x25"}, {"scale": 3}, {"widths": (4, 7)}, {"colour": "rgb"}, {"backend": "onnx"}],
    ids=str,
)
def test_kept_tables_are_told_apart(monkeypatch: pytest.MonkeyPatch, change: dict[str, object]) -> None:
    monkeypatch.setattr("hnas.deploy.timing.stopwatch.default_threads", lambda: 2)
    other = replace(CHAINS, **change)  # type: ignore[arg-type]
    assert cached_path(CHAINS, machine_of(CHAINS, "cpu")) != cached_path(other, machine_of(other, "cpu"))


def test_a_table_that_fails_its_check_is_refused_and_not_kept(timing: Timing) -> None:
    random = Random(0)
    timing.milliseconds = lambda _: 10.0 ** random.random()
    with pytest.raises(HnasError, match=r"the latency table is refused: .*measure it anew while little else runs"):
        find_table(CHAINS, "cpu")
    assert not list(timing.cache.rglob("*.json"))


def named(table: str, path: Path) -> SearchSettings:
    path.write_text(table)
    return replace(CHAINS, latency_table=str(path))


def test_a_named_table_with_a_bad_check_is_refused(timing: Timing, tmp_path: Path) -> None:
    table = find_table(CHAINS, "cpu")
    assert table is not None
    path = tmp_path / "mine.json"
    assert find_table(named(table.to_json(), path), "cpu") == table
    measured = table.check.measured_ms
    forged = replace(table, check=LatencyCheck.of([2 * one for one in measured], measured))
    with pytest.raises(HnasError, match=r"mine.json: the latency table is refused: .*median error 100.0%"):
        find_table(named(forged.to_json(), path), "cpu")
    value = json.loads(forged.to_json())
    value["check"]["median_error"] = 0.01
    with pytest.raises(HnasError, match=r"mine.json: the latency table is damaged"):
        find_table(named(json.dumps(value), path), "cpu")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"processor": "another"}, "processor another, not "),
        ({"backend": "openvino", "runtime": "openvino 1"}, "backend openvino, not torch"),
        ({"threads": 99}, "threads 99, not "),
        ({"precision": "bf16"}, "precision bf16, not f32"),
        ({"lr_size": [8, 8]}, "lr_size 8x8, not 24x24"),
    ],
)
def test_a_named_table_of_another_machine_is_refused(
    timing: Timing, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    table = find_table(CHAINS, "cpu")
    assert table is not None
    other = replace(table, machine={**table.machine, **change})
    with pytest.raises(HnasError, match=f"mine.json: the latency table was measured for .*{words}"):
        find_table(named(other.to_json(), tmp_path / "mine.json"), "cpu")


def test_a_run_that_was_searched_elsewhere_gets_a_table_of_this_machine(timing: Timing) -> None:
    table = find_table(CHAINS, "cpu")
    assert table is not None
    said: list[str] = []
    assert find_table(CHAINS, "cpu", kept=table, say=said.append) is table
    assert not said
    other = replace(table, machine={**table.machine, "processor": "another"})
    assert find_table(CHAINS, "cpu", kept=other, say=said.append) == table
    assert "another, so another one is needed here" in said[0]


def test_more_threads_than_there_are_are_refused() -> None:
    with pytest.raises(HnasError, match="threads is 9999; allowed on this machine are 1"):
        machine_of(replace(CHAINS, threads=9999), "cpu")
