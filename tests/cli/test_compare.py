"""``hnas compare`` from end to end on tiny pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hnas.cli.main import main
from hnas.data.pictures import write_picture
from hnas.nets.peers import build_peer
from hnas.weights import save_model


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


@pytest.fixture
def timed(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sets, one bundled model, and published weights of ETDS-T in a folder below the weights beside the sets."""
    monkeypatch.delenv("HNAS_DATA", raising=False)
    torch.manual_seed(0)
    (folders / "package").mkdir()
    (folders / "weights" / "peers").mkdir(parents=True)
    bundled = {"tiny-x2": folders / "package" / "tiny-x2.safetensors"}
    save_model(bundled["tiny-x2"], build_peer({"architecture": "espcn", "scale": 2}), {})
    for module in ("hnas.zoo.contenders", "hnas.zoo.weights_at_hand", "hnas.bundled"):
        monkeypatch.setattr(f"{module}.bundled_models", lambda: bundled)
    etds = build_peer({"architecture": "etds-t", "scale": 2})
    torch.save(etds.state_dict(), folders / "weights" / "peers" / "ETDS_M5C16_x2.pth")
    # What one takes is made up, so that it is known who is ahead.
    monkeypatch.setattr(
        "hnas.deploy.timing.stopwatch.Stopwatch.turn", lambda self, name: 20.0 if name == "ETDS-T" else 10.0
    )
    return folders


BY_LATENCY = ("--by", "latency", "--backend", "torch", "--threads", "1", "--latency-size", "8x8", "--rounds", "1")


def test_networks_by_latency(timed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_model(timed / "mine.safetensors", build_peer({"architecture": "fsrcnn", "scale": 2}), {})
    document = _json(capsys, *BY_LATENCY, "--benchmarks", "benchmark", "--model", "mine.safetensors")
    assert [(row["name"], row["ours"], row["latency_ms"]) for row in document["rows"]] == [
        ("tiny-x2", True, 10),
        ("mine", True, 10),
        ("ETDS-T", False, 20),
    ]
    # The first set of the papers comes first, and sets that they have not are measured too.
    assert document["sets"] == list(document["rows"][0]["psnr"]) == ["Set5", "Kodak24"]
    assert (document["scale"], document["threads"], document["rounds"]) == (2, 1, 1)
    assert document["latency_lr_size"] == [8, 8]
    assert document["runtime"].startswith("torch ")
    reached = {row["name"]: row["psnr"] for row in document["rows"]}
    [margin] = document["at_equal_milliseconds"]
    best = max(("tiny-x2", "mine"), key=lambda name: reached[name]["Set5"])
    assert (margin["name"], margin["best"]) == ("ETDS-T", best)
    for name in document["sets"]:
        assert margin["ahead"][name] == pytest.approx(reached[best][name] - reached["ETDS-T"][name])


def test_the_tables_by_latency_are_for_people(timed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *BY_LATENCY, "--benchmarks", "benchmark/Set5", "--figure", "times.svg"]) == 0
    text = " ".join(capsys.readouterr().out.split())  # captions are wrapped
    for words in (
        "● tiny-x2",
        "○ ETDS-T",
        "At equal milliseconds",
        "1 thread, input 3x8x8, median of 1 round in turns",
    ):
        assert words in text
    assert (timed / "times.svg").is_file()


def test_times_alone_need_no_pictures(timed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *BY_LATENCY, "--weights", "weights/peers", "--rows", "etds-t"]) == 0
    text = capsys.readouterr().out
    assert "○ ETDS-T" in text
    assert "tiny-x2" not in text
    assert "PSNR" not in text
    assert "At equal" not in text


def test_weights_lie_beside_the_data_where_no_pictures_are_named(
    timed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HNAS_DATA", str(timed))
    names = {row["name"] for row in _json(capsys, *BY_LATENCY)["rows"]}
    assert names == {"tiny-x2", "ETDS-T"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--train-steps", "5"], "--train-steps goes with --by macs only"),
        (["--no-latency"], "--latency goes with --by macs only"),
        (["--scale", "5"], "--scale is 5; allowed are 2, 3 and 4"),
        (["--scale", "4"], "no network for x4 has weights at hand"),
        (["--rows", "HNAS-A"], "unknown row 'HNAS-A'; allowed at x2 are tiny-x2"),
        (["--rounds", "0"], "rounds is 0"),
        (["--threads", "100000"], "--threads is 100000; allowed on this machine are 1 to"),
        (["--backend", "tensorrt"], "tensorrt"),
        (["--figure", "times.svg"], "name pictures with --benchmarks"),
        (["--figure", "times.gif", "--benchmarks", "benchmark"], "times.gif"),
        (["--benchmarks", "benchmark", "benchmark/Set5"], "two sets called Set5"),
        (["--benchmarks", "broken"], "a.png"),
        (["--model", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_by_latency_are_named(
    timed: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (timed / "broken").mkdir()
    (timed / "broken" / "a.png").write_bytes(b"no picture")
    backend = () if "--backend" in arguments else ("--backend", "torch")
    assert main(["compare", "--by", "latency", *backend, *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_what_belongs_to_latencies_is_refused_in_table_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--no-latency", "--backend", "torch"]) == 2
    assert "--backend goes with --by latency only" in capsys.readouterr().err


def test_a_missing_runtime_is_named(
    timed: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["compare", "--by", "latency"]) == 2
    assert "this needs the package onnxruntime" in capsys.readouterr().err
