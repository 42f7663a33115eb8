"""The commands search, derive, study and profile --build-table, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hnas.cli.main import main
from hnas.searching.runs import rescore
from hnas.space import load_genotype

TINY = (
    "--layers 2 --nodes 1 --channels 4 --target-channels 4 --rounds 2 --w-steps 1 --controller-steps 1 --batch 2 "
    "--patch 8 --samples 2 --hidden 8 --derive-samples 4 --derive-patch 12 --accelerator cpu"
)


def test_search_then_derive_for_a_budget(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, val = map(str, folders)
    run = str(tmp_path / "run")
    search = ["search", "--data", train, "--val", val, "--run-dir", run, *TINY.split(), "--lam", "0.1..0.9"]
    assert main([*search, "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["genotype"] == load_genotype(tmp_path / "run" / "genotype.json").to_dict()
    assert "round 2 of 2" in captured.err
    assert main(search) == 2
    assert "--overwrite" in capsys.readouterr().err

    limit = found["macs"] * 1.5
    output = tmp_path / "small.json"
    assert main(["derive", run, "--max-macs", str(limit), "--output", str(output), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["macs"] <= limit
    assert load_genotype(output)
    assert main(["derive", run, "--lam", "0.3"]) == 0
    assert "dB" in capsys.readouterr().out


def test_a_precision_left_to_the_machine_is_said_and_kept(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a search scored in bfloat16, its derivations score in bfloat16."""
    monkeypatch.setattr("hnas.training.precision.knows_bf16", lambda _: True)
    monkeypatch.setattr("hnas.training.precision.measured_gain", lambda *_: 1.5)
    preset, run = tmp_path / "mine.yaml", tmp_path / "run"
    preset.write_text("search: {cell_skip: 0.3}\ndevice: {precision: auto}\n")
    search = ["search", "--config", str(preset), "--data", str(folders[0]), "--run-dir", str(run), *TINY.split()]
    assert main(search) == 0
    assert (
        "precision bf16-mixed: 3x3 convolutions of 4 channels on 2 patches of 8x8 train 1.50" in capsys.readouterr().err
    )
    first, *lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert (first["phase"], first["precision"]) == ("precision", "bf16-mixed")
    assert [line["phase"] for line in lines] == ["search", "search"]
    candidates = [json.loads(line) for line in (run / "candidates.jsonl").read_text().splitlines()]
    (best,) = [line for line in candidates if line["chosen"]]
    assert rescore(run, load_genotype(run / "genotype.json")) == best["psnr"]


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--lam", "2", "lam is 2.0; allowed is a number between 0 and 1"),
        ("--max-macs", "many", "max_macs is 'many'"),
        ("--strategy", "luck", "luck"),
        ("--rounds", "1.5", "whole number"),
        ("--config", "huge", "presets are cpu, demo, gpu, paper"),
        ("--patch", "99", "smaller than a patch"),
        ("--derive-patch", "99", "smaller than derive_patch"),
        ("--max-latency", "40ms", "build-table"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    folders: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flag: str,
    value: str,
    message: str,
) -> None:
    run = tmp_path / "run"
    options = dict(zip(TINY.split()[::2], TINY.split()[1::2], strict=True)) | {flag: value}
    flags = [word for option in options.items() for word in option]
    assert main(["search", "--data", str(folders[0]), "--run-dir", str(run), *flags]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not run.exists()


def test_a_search_by_measured_latency(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "latency.json"
    build = ["profile", "--build-table", str(table), "--lr-size", "16x16", "--channels", "4", "--repeats", "1"]
    assert main([*build, "--check", "3", "--layers", "2", "--json"]) == 0
    assert -1.0 <= json.loads(capsys.readouterr().out)["kendall_tau"] <= 1.0
    tiny = TINY.split()
    tiny[tiny.index("--nodes") + 1] = "4"
    search = ["search", "--data", str(folders[0]), "--run-dir", str(tmp_path / "run"), *tiny, "--cost", "latency"]
    assert main([*search, "--latency-table", str(table)]) == 2
    assert "measured for (channels, scale, nodes, LR size) (4, 2, 4, (16, 16))" in capsys.readouterr().err
    assert main([*search, "--latency-table", str(table), "--lr-size", "16x16", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["latency_ms"] > 0.0
