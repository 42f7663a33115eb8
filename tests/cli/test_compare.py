"""``hnas compare`` from end to end on tiny pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hnas.cli.main import main
from hnas.data.pictures import write_picture


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sets and training pictures in the working directory."""
    random = np.random.default_rng(0)
    for path in ("benchmark/Set5/HR", "benchmark/Kodak24/HR", "train"):
        (tmp_path / path).mkdir(parents=True)
        for name in ("a.png", "b.png"):
            write_picture(tmp_path / path / name, random.integers(0, 256, (40, 36, 3), dtype=np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["compare", "--json", *arguments]) == 0
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def test_costs_need_no_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    document = _json(capsys, "--no-latency", "--rows", "SRCNN", "HNAS-A")
    srcnn, hnas = document["rows"]
    assert (srcnn["system"], round(srcnn["macs"] / 1e9, 1), srcnn["measured"]) == ("SRCNN", 52.7, None)
    assert (hnas["printed_gmacs"], round(hnas["paper_macs"] / 1e9, 1)) == (30.6, 306.3)


TRAINING = ("--train-steps", "2", "--data", "train", "--batch", "1", "--patch", "8")


def test_rows_are_trained_once_and_measured(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--no-latency", "--rows", "ESPCN", "Plain", "MoreMNAS-A", "--benchmarks", "benchmark", *TRAINING)
    document = _json(capsys, *arguments)
    unknown, espcn, plain = document["rows"]
    assert unknown["measured"] is None
    # Kodak24 is in the folder, but not in the table.
    assert set(espcn["measured"]) == set(plain["measured"]) == {"Set5"}
    assert espcn["weights"] == "runs/compare/espcn/weights.safetensors"
    written = (folders / espcn["weights"]).stat().st_mtime_ns
    assert _json(capsys, *arguments)["rows"] == document["rows"]
    assert (folders / espcn["weights"]).stat().st_mtime_ns == written


def test_a_genotypes_row_is_trained_too(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "hnas-a-c16"
    [row] = _json(capsys, "--latency-size", "8x8", "--rows", name, "--benchmarks", "benchmark/Set5", *TRAINING)["rows"]
    assert row["measured"]["Set5"]["psnr"] > 0
    assert row["latency_ms"] > 0


def test_the_tables_and_the_figure_are_for_people(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--no-latency", "--rows", "Bicubic", "CARN-M", "HNAS-A", "--benchmarks", "benchmark"]
    assert main(["compare", *arguments, "--figure", "table.svg"]) == 0
    text = capsys.readouterr().out
    assert "306.3" in text
    assert "measured" in text
    assert (folders / "table.svg").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "EDSR"], "unknown row 'EDSR'"),
        (["--latency-size", "big"], "--latency-size is 'big'"),
        (["--rows", "ESPCN", "--train-steps", "2"], "name their folder with --data"),
        (["--rows", "ESPCN", "--train-steps", "0", "--data", "x"], "steps is 0"),
        (["--weights", "nowhere"], "nowhere is no folder"),
        (["--rows", "SRCNN", "--no-latency", "--figure", "table.gif"], "table.gif"),
    ],
)
def test_mistakes_are_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_row_that_fails_gives_status_1(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--no-latency", "--rows", "ESPCN", "--train-steps", "2", "--data", "nowhere"]
    assert main(["compare", *arguments]) == 1
    assert "espcn: failed" in capsys.readouterr().err


def test_weights_of_another_network_are_refused(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _json(capsys, "--no-latency", "--rows", "ESPCN", *TRAINING)
    (folders / "weights").mkdir()
    (folders / "runs/compare/espcn/weights.safetensors").rename(folders / "weights" / "plain.safetensors")
    assert main(["compare", "--no-latency", "--rows", "Plain", "--benchmarks", "benchmark"]) == 2
    assert "these are the weights of another model" in capsys.readouterr().err
