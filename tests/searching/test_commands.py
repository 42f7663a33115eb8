"""The commands search, derive, study and profile --build-table, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from hnas.cli.main import main
from hnas.searching.runs import rescore
from hnas.space import load_genotype
from tests.timing import without_clock

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
        ("--max-latency", "fast", "such as 40 or 40ms"),
        (
            "--latency-table",
            "none.json",
            "none.json: No such file or directory; measure a latency table with",
        ),
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


def test_a_search_by_a_table_of_cells_with_other_nodes(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_clock(monkeypatch, tmp_path / "cache")
    table = tmp_path / "latency.json"
    build = ["profile", "--build-table", str(table), "--lr-size", "16x16", "--channels", "4", "--layers", "2"]
    assert main([*build, "--nodes", "1", "--backend", "onnx", "--threads", "1", "--json"]) == 0
    captured = capsys.readouterr()
    said = json.loads(captured.out)
    assert said["kendall_tau"] >= 0.8
    assert said["median_error"] <= 0.2
    assert (said["machine"]["backend"], said["machine"]["threads"], said["space"]["nodes"]) == ("onnx", 1, 1)
    assert "with onnxruntime" in captured.err
    assert "about " in captured.err
    search = ["search", "--data", str(folders[0]), "--run-dir", str(tmp_path / "run"), *TINY.split()]
    search += ["--cost", "latency", "--latency-table", str(table), "--lr-size", "16x16"]
    assert main(search) == 2
    assert "backend onnx, not torch" in capsys.readouterr().err
    search += ["--backend", "onnx", "--threads", "1"]
    assert main([*search[:-6], "--lr-size", "24x24", *search[-4:]]) == 2
    assert "lr_size 16x16, not 24x24" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert main([*search, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["latency_ms"] > 0.0
    assert (tmp_path / "run" / "latency.json").read_text() == table.read_text()


def test_a_table_that_predicts_badly_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(0)
    without_clock(monkeypatch, tmp_path / "cache").milliseconds = lambda _: 10.0 ** random.random()
    table = tmp_path / "latency.json"
    build = ["profile", "--build-table", str(table), "--lr-size", "16x16", "--channels", "4", "--layers", "2"]
    assert main([*build, "--nodes", "2", "--repeats", "1"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{table} is not written: the latency table is refused" in error
    assert "with more --repeats" in error
    assert not table.exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--check", "3"], "check is 3; allowed is 4 and more"),
        (["--cell-skip", "0.3"], "takes --channels and --scale"),
        (["--cell-skip", "0"], "a latency table has no --cell-skip"),
        (["--space", "chain", "--channels", "16"], "has no --channels where the space is chain; it takes --scale"),
        (["--nodes", "0"], "nodes is 0"),
        (["--space", "chain", "--widths", "0"], "widths are (0,)"),
        (["--threads", "9999"], "threads is 9999"),
        (["--device", "nowhere"], "nowhere"),
        (["--family", "."], "--family goes with --front"),
        (["HNAS-A"], "leave HNAS-A out"),
    ],
)
def test_a_table_of_impossible_networks_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    table = tmp_path / "latency.json"
    assert main(["profile", "--build-table", str(table), "--lr-size", "8x8", *flags]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert len(error.splitlines()) == 1
    assert not table.exists()
