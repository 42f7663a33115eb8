"""Latency tables as they are built: with made-up times over every space, and with the real runtimes once."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from hnas.deploy.running.runtimes import PACKAGES, BackendName
from hnas.deploy.timing.latency_table import LatencyCheck, LatencyTable
from hnas.deploy.timing.latency_tables import Thoroughness, build_latency_table
from hnas.deploy.timing.stopwatch import Machine
from hnas.errors import HnasError
from hnas.nets import family_of
from hnas.searching.latency import describe_space
from hnas.searching.settings import SearchSettings
from tests.timing import Timing, by_macs, without_clock

CELLS = SearchSettings(layers=3, nodes=2, target_channels=4)
CHAINS = SearchSettings(
    space="chain", widths=(4, 6, 9), depths=(1, 2, 4), blocks=("conv_3x3", "residual_3x3"), after=(0, 1)
)
SMALL = SearchSettings(space="chain", widths=(4, 6), depths=(1, 3))
spaces = pytest.mark.parametrize("settings", [CELLS, CHAINS, SMALL], ids=["cells", "chain", "few chains"])


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Timing:
    return without_clock(monkeypatch, tmp_path)


def built(settings: SearchSettings, machine: Machine | None = None, **more: int) -> LatencyTable:
    family = family_of(settings.space, settings)
    return build_latency_table(
        settings.search_space,
        family,
        machine or Machine("onnx", 2, (24, 24)),
        about=describe_space(settings),
        thoroughness=Thoroughness(**more),
    )


@spaces
def test_it_predicts_a_space_from_a_few_networks(timing: Timing, settings: SearchSettings) -> None:
    table = built(settings)
    family, space = family_of(settings.space, settings), settings.search_space
    drawn = [space.sample(Random(seed)) for seed in range(40)]
    found = LatencyCheck.of([table.predict(family.parts(one)) for one in drawn], [by_macs(one) for one in drawn])
    assert found.median_error < 0.05
    assert table.check.good
    assert table.networks <= 60
    assert table.space["space"] == settings.space
    assert table.machine["threads"] == 2


@spaces
def test_times_that_are_no_sums_of_parts_fail_the_check(timing: Timing, settings: SearchSettings) -> None:
    """What a machine gives that does other things meanwhile: up to ten times as long, now and then."""
    random = Random(0)
    timing.milliseconds = lambda _: 10.0 ** random.random()
    with pytest.raises(HnasError, match="measure it anew"):
        built(settings, rounds=1).refuse_bad()


def test_it_is_checked_on_other_networks_where_there_are_enough(timing: Timing) -> None:
    table = built(CHAINS, rounds=1, check=9)
    fitted = set(timing.turns[2 : 2 + table.networks])  # after two turns that tell how long it will take
    checked = timing.turns[2 + table.networks :]
    assert len(fitted) == table.networks
    assert len(checked) == len(table.check.measured_ms) == 9
    assert not fitted & set(checked)


def test_how_long_it_takes_is_said_before_it_begins(timing: Timing) -> None:
    said: list[tuple[str, int]] = []
    build_latency_table(
        SMALL.search_space,
        family_of("chain", SMALL),
        Machine("torch", 1, (24, 24)),
        about=describe_space(SMALL),
        say=lambda words: said.append((words, len(timing.turns))),
    )
    words, turns = said[0]
    assert "4 networks" in words
    assert "5 turns each, about " in words
    assert turns == 2


def test_too_little_to_judge_by_is_refused() -> None:
    with pytest.raises(HnasError, match="check is 3; allowed is 4"):
        Thoroughness(check=3)


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
@pytest.mark.parametrize("settings", [CELLS, SMALL], ids=["cells", "chain"])
def test_every_runtime_is_timed(backend: BackendName, settings: SearchSettings) -> None:
    """With the clock, so the figures may be anything; the small space makes it short."""
    pytest.importorskip(PACKAGES[backend], reason=f"needs the extra {backend}")
    if backend != "torch":
        pytest.importorskip("onnx", reason="needs the extra onnx")
    if settings is CELLS:
        few = {"normal_operations": ("identity", "conv_3x3"), "upsampling_operations": ("nearest", "sub_pixel")}
        settings = SearchSettings(layers=1, nodes=1, target_channels=4, **few)  # type: ignore[arg-type]
    table = built(settings, Machine(backend, 1, (8, 8)), rounds=1, check=4)
    assert table.machine["runtime"].startswith(PACKAGES[backend])
    assert all(value >= 0.0 for value in table.milliseconds.values())
    assert all(value > 0.0 for value in table.check.measured_ms)
