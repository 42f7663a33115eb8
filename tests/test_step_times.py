"""The benchmark times all ways over the same work and adds its parts up; how long anything takes is not tested."""

from __future__ import annotations

import json
from time import sleep

import pytest
import torch

from hnas.cli.main import main
from hnas.step_times import BENCHES, BenchSettings, Clock, compare

TINY = BenchSettings(search_channels=2, channels=2, layers=2, batch=1, patch=4, picture=8, genotypes=2, repeats=1)
CPU = torch.device("cpu")


@pytest.mark.parametrize("name", BENCHES)
@pytest.mark.parametrize("knows_bf16", [True, False])
def test_every_bench_times_all_ways(name: str, knows_bf16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hnas.step_times.knows_bf16", lambda _: knows_bf16)
    found = BENCHES[name](TINY, CPU)
    assert (found.mixed is not None) == (knows_bf16 and name != "upscaling")
    for timing in (found.plain, found.ours, found.mixed or found.ours):
        parts = [timing.data, timing.forward, timing.backward, timing.optimiser]
        assert timing.seconds == pytest.approx(sum(parts))
        assert timing.forward > 0
        trains = name in ("w-step", "training-step")
        assert (timing.backward > 0) == trains
    assert found.ratio == pytest.approx(found.plain.seconds / found.ours.seconds)
    if found.mixed:
        assert found.mixed_ratio == pytest.approx(found.plain.seconds / found.mixed.seconds)


def test_it_takes_medians_over_repetitions_and_means_over_cases_in_turns_after_a_warm_up() -> None:
    called: list[tuple[str, int]] = []
    seconds = {
        ("plain", 0): [0.0, 4.0, 8.0],
        ("plain", 1): [2.0, 2.0, 2.0],
        ("ours", 0): [1.0] * 3,
        ("ours", 1): [3.0] * 3,
        ("mixed", 0): [1.0] * 3,
        ("mixed", 1): [1.0] * 3,
    }

    def step(way: str, case: int, clock: Clock) -> None:
        called.append((way, case))
        done, timed = divmod(called.count((way, case)) - 1, 2)  # every other step is a warm-up
        clock.seconds["forward"] += seconds[way, case][done] if timed else 1000.0

    steps = {way: lambda case, clock, way=way: step(way, case, clock) for way in ("plain", "ours", "mixed")}
    found = compare("x", steps, cases=2, repeats=3, device=CPU)  # type: ignore[arg-type]
    assert (found.plain.forward, found.ours.forward, found.ratio) == (3.0, 2.0, 1.5)
    assert found.mixed_ratio == 3.0
    assert called[:8] == [(way, 0) for way in ("plain", "plain", "ours", "ours", "mixed", "mixed", "plain", "plain")]


def test_the_clock_adds_up_by_part() -> None:
    clock = Clock(CPU)
    for _ in range(2):
        with clock.part("data"):
            sleep(0.01)
    assert clock.seconds["data"] >= 0.02
    assert clock.seconds["forward"] == 0


def test_the_command_prints_json_or_refuses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hnas.step_times.BenchSettings", lambda **_: TINY)
    assert main(["bench", "--only", "upscaling", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["name"] == "upscaling 8x8"
    assert found["ratio"] > 0
    assert main(["bench", "--only", "training-step"]) == 0
    table = capsys.readouterr().out
    assert "training step" in table
    assert "bfloat16" in table
    assert main(["bench", "--only", "upscaling", "everything"]) == 2
    assert "--only is everything; allowed are w-step, controller-step, training-step" in capsys.readouterr().err
