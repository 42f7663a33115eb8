"""The scripts that check designs run from end to end, on tiny networks; what they find of times is not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hnas.nets.peers import build_peer
from tests.deploy.made_family import write_family
from tests.scripts import BENCH, load_script

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("family")
    write_family(folder, {(2, 1): 31.0, (4, 3): 33.0})
    return folder


def test_plain_onnxruntime_knows_nothing_of_this_project(family: Path) -> None:
    graphs = [str(family / f"chain-{name}.onnx") for name in ("2x1", "4x3")]
    text = (BENCH / "plain_onnxruntime.py").read_text(encoding="utf-8")
    assert "import hnas" not in text
    assert "from hnas" not in text
    command = [sys.executable, str(BENCH / "plain_onnxruntime.py"), *graphs, "--lr-size", "8x12", "--threads", "1"]
    done = subprocess.run([*command, "--rounds", "2"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert list(found) == graphs
    assert all(milliseconds > 0 for milliseconds in found.values())


def test_a_call_is_designed_and_checked(
    family: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load_script("design_limits", monkeypatch)
    monkeypatch.setattr(script, "EASIEST", (1e6, 1e6))  # a limit that any machine keeps
    options = ["--calls", "1", "--threads", "1", "--rounds", "2", "--sides", "8", "12", "--family", str(family)]
    assert script.main(options) in (0, 1)  # a machine may be too busy for a call in time
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("| ") and "chain-4x3" in line)
    limit, size, _, measured, plain, *_ = (cell.strip() for cell in row.strip("|").split("|"))
    assert float(limit) > float(plain)
    assert float(measured) >= 0
    assert all(8 <= int(side) <= 12 for side in size.split("x"))
    assert " kept their limit within 10% " in lines[-1]


def test_designs_stand_beside_peers(
    family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load_script("design_against_peers", monkeypatch)
    monkeypatch.setattr("hnas.zoo.contenders.bundled_models", dict)
    monkeypatch.setattr("hnas.zoo.weights_at_hand.bundled_models", dict)
    (tmp_path / "Set5").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 44, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "Set5" / "noise.png")
    torch.save(build_peer({"architecture": "etds-t", "scale": 2}).state_dict(), tmp_path / "ETDS_M5C16_x2.pth")
    options = ["--benchmarks", str(tmp_path / "Set5"), "--sets", "Set5", "--weights", str(tmp_path)]
    options += ["--family", str(family), "--threads", "1", "--sizes", "8x12", "--seconds", "0.1"]
    assert script.main([*options, "--limits", "0.000001", "3600000"]) == 0
    rows = [line.strip("|").split("|") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    nothing, both = ([cell.strip() for cell in row] for row in rows)
    assert nothing == ["1e-06", "8x12", "none", "", "", "none", "", "", "nothing"]
    assert both[:3] == ["3.6e+06", "8x12", "chain-4x3"]
    assert both[5] == "ETDS-T"
    assert float(both[8]) == pytest.approx(float(both[4]) - float(both[7]), abs=0.011)  # each is rounded


def test_what_a_call_must_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load_script("design_limits", monkeypatch)
    good = script.Call(100.0, "8x8", "net", reported=90.0, plain=109.9, seconds=59.0)
    assert good.holds
    assert not script.Call(100.0, "8x8", "net", 90.0, 110.1, 59.0).holds
    assert not script.Call(100.0, "8x8", "net", 90.0, 99.0, 60.1).holds
    assert not script.Call(100.0, "8x8", "", np.nan, 9.0, 59.0).holds
    assert "MISSED" not in good.row()
