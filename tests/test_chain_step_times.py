"""The benchmark of chains counts what a step computes and divides by what it measured; no time is tested."""

from __future__ import annotations

import json

import pytest
import torch

from hnas.chain_step_times import ChainBenchSettings, ChainStep, bench_chain_steps
from hnas.cli.main import main
from hnas.searching.settings import SearchSettings

TINY = ChainBenchSettings(
    search=SearchSettings(
        space="chain", widths=(2, 4), depths=(1, 3), w_sampling="fair", w_genotypes=2, batch=4, patch=8, derive_patch=8
    ),
    peak=((4, 8), (2, 8)),
    steps=2,
    repeats=1,
)


def test_every_width_is_timed_in_both_precisions() -> None:
    found = bench_chain_steps(TINY, torch.device("cpu"))
    assert [(one.width, one.precision) for one in found] == [
        *((2, "32-true"), (2, "bf16-mixed"), (4, "32-true"), (4, "bf16-mixed"))
    ]
    for one in found:
        # By hand: stem from brightness, two shared blocks and one for each exit, two tails to four values; its two
        # patches of 8x8.
        forward = 9 * one.width + (2 + 2) * 9 * one.width**2 + 2 * 9 * one.width * 4
        assert one.macs == 3 * forward * 2 * 8 * 8
        assert one.seconds > 0
        assert one.peak > 0
    assert found[0].peak == found[2].peak != found[1].peak


def test_rates_and_shares() -> None:
    step = ChainStep(16, "32-true", seconds=0.5, macs=10_000, peak=40_000.0)
    assert (step.steps_per_second, step.macs_per_second, step.share) == (2.0, 20_000.0, 0.5)
    assert step.line()["share"] == 0.5


def test_the_command_prints_a_table_or_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChainBenchSettings, "of_preset", lambda **_: TINY)
    assert main(["bench", "--only", "chain-step", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert [(line["name"], line["width"]) for line in lines] == [("chain-step", width) for width in (2, 2, 4, 4)]
    assert main(["bench", "--only", "chain-step"]) == 0
    assert "bf16-mixed" in capsys.readouterr().out


def test_the_preset_is_what_is_timed() -> None:
    search = ChainBenchSettings.of_preset(repeats=1, device=torch.device("cpu")).search
    assert (search.widths, search.space, search.patch) == ((12, 32), "chain", 32)
