"""The scripts in bench/ run from end to end at tiny settings; what they find is not tested.

Those about designs are in test_design_scripts.py, the rehearsal of a whole run on a GPU in test_accelerator.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

import hnas
from hnas.nets.peers import build_peer
from hnas.searching.study.table import read_table
from tests.scripts import BENCH, load_script
from tests.searching.conftest import TINY

HERE = Path(__file__).parent


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """A script as a module."""
    return lambda name: load_script(name, monkeypatch)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Runs a script with these arguments; the lines that it prints."""

    def run(script: ModuleType, *arguments: object) -> list[str]:
        monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, arguments)])
        threads = torch.get_num_threads()
        try:
            script.main()
        finally:
            torch.set_num_threads(threads)
        return capsys.readouterr().out.splitlines()

    return run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders to train on and to validate on."""
    root = tmp_path_factory.mktemp("pictures")
    for name, seeds in (("train", range(6)), ("val", range(6, 8))):
        (root / name).mkdir()
        for seed in seeds:
            pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{seed}.png")
    return root / "train", root / "val"


def changes(**more: object) -> dict[str, object]:
    """Of a search by shared weights that are hardly trained."""
    return {"rounds": 1, "warmup": 0, "w_steps": 1, "batch": 4, "patch": 8, "score_batch": 2, "derive_patch": 8, **more}


def test_every_script_is_run_by_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    for path in BENCH.iterdir():
        assert f'"{path.stem}"' in tests or f'"{path.name}"' in tests, f"no test runs {path.name}"


def test_bicubic_skip(
    load: Callable[[str], ModuleType], run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    script = load("bicubic_skip")
    assert list(script.networks()) == ["fast, x2", "fast, x3", "fast, x4", "plain 16x4, x2"]
    tiny = build_peer({"architecture": "plain", "scale": 2, "channels": 2, "depth": 1})
    monkeypatch.setattr(script, "networks", lambda: {"tiny": tiny})
    lines = run(script, "--lr-size", 8, "--rounds", 1)
    assert [line.split()[0] for line in lines[1:]] == ["onnxruntime", "OpenVINO", "torch"]


def test_pixel_shuffle(
    load: Callable[[str], ModuleType], run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    script = load("pixel_shuffle")
    monkeypatch.setattr(script, "LR_SIZE", (8, 8))
    lines = run(script, "--threads", 1, "--rounds", 1)
    assert len(lines) == 1 + 2 * 4  # runtimes and networks


def test_chain_controller(
    load: Callable[[str], ModuleType],
    run: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    pictures: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    script = load("chain_controller")
    small = {"widths": (2, 3), "depths": (1, 2), "blocks": ("conv_3x3",), "w_genotypes": 2, "w_fraction": 0.5}
    monkeypatch.setattr(script, "SPACE", changes(**small))
    table = ["--data", pictures[0], "--val", pictures[1], "--table", tmp_path / "table.json"]
    searches = ["--strategies", "random", "evolution", "--seeds", 0, "--evaluations", 4, "--limits", "1G"]
    settings = ["--set", "tournament=2", "derive_pictures=2"]
    lines = run(script, *table, *searches, *settings, "--steps", 50, "--precision", "32-true")
    assert [line.split(" | ")[3] for line in lines[-2:]] == ["random", "evolution"]
    found = json.loads(run(script, "--table", tmp_path / "table.json", *searches, *settings, "--json")[-1])
    assert found["size"] == 2 * 2  # widths and depths


@pytest.mark.parametrize("scorer", ["shared", "short"])
def test_every_budget(
    scorer: str,
    load: Callable[[str], ModuleType],
    run: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    pictures: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    script = load("every_budget")
    small = {"layers": 2, "channels": 2, "target_channels": 2, "hidden": 4, "short_steps": 1}
    monkeypatch.setattr(script, "BASE", changes(**small))
    options = ["--data", pictures[0], "--val", pictures[1], "--evaluations", 4, "--nodes", 1, "--scorer", scorer]
    lines = run(script, *options, *(("--table", tmp_path) if scorer == "short" else ()))
    assert lines[-1].startswith("| 0 | ")


SHORT = {"scorer": "short", "layers": 2, "channels": 2, "target_channels": 2, "hidden": 4, "population": 2}


def test_workers(
    load: Callable[[str], ModuleType],
    run: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    pictures: tuple[Path, Path],
) -> None:
    script = load("workers")
    monkeypatch.setattr(script, "BASE", changes(**SHORT, tournament=1, samples=2))
    options = ["--data", pictures[0], "--val", pictures[1], "--steps", 1, "--evaluations", 10, "--seeds", 1]
    lines = run(script, *options, "--processes", 1)
    trained = int(lines[-1].split(" | ")[3])
    assert 1 <= trained <= 2 * 10 + 2
    assert lines[-1].endswith("| 1.00 |")


def test_scale(
    load: Callable[[str], ModuleType],
    run: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    pictures: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    script = load("scale")
    monkeypatch.setattr(script, "BASE", changes(**SHORT, tournament=1))
    output = tmp_path / "durations.json"
    options = ["--data", pictures[0], "--val", pictures[1], "--steps", 1, "--genotypes", 4, "--on"]
    run(script, "record", *options, "--output", output)
    recorded = json.loads(output.read_text())
    assert len(recorded["durations"]) == 4
    recorded["handing"] = {"local": 0.0}
    output.write_text(json.dumps(recorded))
    lines = run(script, "simulate", output, "--workers", 2, 3, "--genotypes", 20)
    assert [line.split(" | ")[0] for line in lines[-2:]] == ["| 2", "| 3"]


def test_a_simulated_search_takes_as_long_as_by_hand(load: Callable[[str], ModuleType]) -> None:
    script = load("scale")
    plain = {"workers": 4, "count": 8, "batch": 4, "each": 0.0, "lost": 0.0}
    for simulated in (script.in_step([10.0], **plain), script.asynchronously([10.0], **plain)):
        assert (3600 * simulated.hours, simulated.used) == pytest.approx((20.0, 1.0))
    # A second for each genotype, one after the other: the fourth begins at 4 s, so its batch ends at 14 s.
    slow = script.in_step([10.0], **{**plain, "each": 1.0})
    assert (3600 * slow.hours, slow.used) == pytest.approx((28.0, 80 / (4 * 28)))
    # Asynchronously the fifth is asked for when the first is back, at 11 s, and the eighth begins at 15 s.
    quick = script.asynchronously([10.0], **{**plain, "each": 1.0})
    assert 3600 * quick.hours == pytest.approx(25.0)
    # One process that takes 10 s for each keeps a single worker at work, whatever there is.
    for simulate in (script.in_step, script.asynchronously):
        assert simulate([1.0], workers=64, count=50, batch=64, each=10.0, lost=0.0).used == pytest.approx(
            50 / (64 * 501), rel=1e-6
        )
    # Workers that are often lost do more that brings nothing.
    assert script.in_step([1000.0], **{**plain, "lost": 1.0}).used < 1.0


def test_gradient_variance(
    load: Callable[[str], ModuleType],
    run: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    pictures: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    hnas.search(*pictures, run_dir=tmp_path / "run", settings=TINY)
    script = load("gradient_variance")
    monkeypatch.setattr(script, "SETTLING", 4)
    lines = run(script, tmp_path / "run", "--updates", 2)
    assert lines[-1].endswith("1.0 times the last")
    assert len(lines) == 3


def test_slopes(
    load: Callable[[str], ModuleType], run: Callable[..., list[str]], pictures: tuple[Path, Path], tmp_path: Path
) -> None:
    hnas.search(*pictures, run_dir=tmp_path / "run", settings=TINY)
    lines = run(load("slopes"), tmp_path / "run", "--genotypes", 2, "--pictures", 1)
    decisions = [[cell.strip() for cell in line.strip("|").split("|")][:2] for line in lines[2:]]
    # Two edges of each cell; the only node's source is one of both inputs.
    assert decisions == [
        *(["source (normal)", "4"], ["operation (normal)", "4"]),
        *(["source (upsampling)", "4"], ["operation (upsampling)", "4"]),
        ["position (position)", "2"],
    ]


def test_memory_over_time(
    load: Callable[[str], ModuleType], run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load("memory_over_time")
    monkeypatch.setattr(script, "HUNDRED", 2)
    monkeypatch.setattr(script, "SIDES", (4, 9))
    (line,) = run(script, "random", "--count", 4)
    assert len(json.loads(line)["megabytes"]) == 2


def test_sharing_depths(
    load: Callable[[str], ModuleType],
    run: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    pictures: tuple[Path, Path],
) -> None:
    script = load("sharing_depths")
    preset = {**script.read_config("cpu", "search", space="chain"), "patch": 8, "derive_patch": 8}
    monkeypatch.setattr(script, "read_config", lambda *_, **__: preset)
    options = ["--data", pictures[0], "--val", pictures[1], "--widths", 2, "--depths", 1, 2, "--steps", 1]
    lines = run(script, *options, "--batch", 1, "--precision", "32-true")
    assert [line.split(" | ")[:2] for line in lines[2:]] == [["| 2", "1"], ["| 2", "2"]]


def test_supernet_ranking(
    load: Callable[[str], ModuleType],
    run: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    pictures: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    script = load("supernet_ranking")
    monkeypatch.setattr(script, "BASE", changes(**{**script.BASE, "derive_patch": 8, "channels": 2}))
    monkeypatch.setattr(script, "RANKED", script.RANKED[:2])
    monkeypatch.setattr(script, "PROBES", script.PROBES[:2])
    monkeypatch.setattr(script, "ALONE", {"alone 0": (0, 1), "alone 1": (1, 1)})
    monkeypatch.setattr(script, "TUNED", (1,))
    monkeypatch.setattr(script, "SUPERNETS", {"preset cpu": ({}, (1, 2)), script.TUNED_FROM: ({}, (1,))})
    out = tmp_path / "ranking.jsonl"
    parts = ["alone 0", "alone 1", "preset cpu", script.TUNED_FROM]
    lines = run(script, "--data", pictures[0], "--val", pictures[1], "--out", out, "--parts", *parts)
    assert sum(line.startswith("| preset cpu | ") for line in lines) == 2
    assert any(line.startswith("| tuned 1 | ") for line in lines)
    assert len(run(script, "--out", out, "--against", out)) == 2 + 4  # a line for each score of shared weights


def test_web_page(
    load: Callable[[str], ModuleType], run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a page that gives numbers: the real one needs a browser (tests/deploy/test_web.py)."""
    browser = ModuleType("playwright.sync_api")
    browser.sync_playwright = None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "playwright.sync_api", browser)
    script = load("web_page")

    class Page:
        def evaluate(self, code: str, words: list[int]) -> object:
            return {"threads": words[0]} if code == script.START else 1.0

    monkeypatch.setattr(script, "page", lambda models: nullcontext(Page()))
    monkeypatch.setattr(script, "SIDE", 16)
    lines = run(script, "--models", "fast-x2", "--rounds", 1)
    assert lines[-1].startswith("| fast-x2 | ")


def test_chain_table(
    load: Callable[[str], ModuleType],
    run: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    pictures: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    """Stopped before the deepest chains are all trained, it leaves the table of the others."""
    script = load("chain_table")
    small = {"widths": (2,), "depths": (1, 2), "after": (0,), "patch": 8, "batch": 1, "derive_patch": 8}
    monkeypatch.setattr(script, "SETTINGS", replace(script.SETTINGS, **small, lr_size="8x8"))
    for name, value in (("LENGTHS", (1, 2)), ("AGAIN", 1), ("ROUNDS", 1)):
        monkeypatch.setattr(script, name, value)
    lines, out = tmp_path / "lines.jsonl", tmp_path / "table.json"
    folders = ["--data", pictures[0], "--val", pictures[1], "--lines", lines]
    run(script, "train", *folders)
    run(script, "time", *folders)
    done = lines.read_text()
    assert len(done.splitlines()) == (2 + 4) * 2 + 1 + (2 + 4)  # both lengths of each, one again, a turn of each
    run(script, "train", *folders)
    assert lines.read_text() == done
    run(script, "pack", *folders, "--out", out)
    table = read_table(out)
    assert len(table.rows) == 2 + 4
    assert sum(row.again is not None for row in table.rows.values()) == 1
    lines.write_text("".join(line for line in done.splitlines(True) if line.count("_3x3") == 1 or '"ms"' in line))
    run(script, "pack", *folders, "--out", out)
    assert len(read_table(out).rows) == 2


def test_paper_cost(
    load: Callable[[str], ModuleType], run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load("paper_cost")
    small = {"layers": 2, "nodes": 1, "channels": 2, "batch": 4, "patch": 8}
    monkeypatch.setattr(script, "SEARCH", replace(script.SEARCH, **small))
    monkeypatch.setattr(script, "TRAINING", {**script.TRAINING, "channels": 2})
    monkeypatch.setattr(script, "GENOTYPES", 2)
    lines = run(script)
    assert sum(line.endswith("hours") for line in lines) == 5
    assert any("kept for the backward pass" in line for line in lines)


def test_accelerator(load: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = load("accelerator")
    assert script.check("cpu") == 0
    assert script.sample(tmp_path) == 0
    assert (tmp_path / "teacher.safetensors").is_file()
    bench = [{"name": "w-step", "plain": {"forward": 0.002}, "ours": {"forward": 0.001}, "mixed": None}]
    (tmp_path / "bench.jsonl").write_text(json.dumps(bench) + "\n")
    assert script.figures(tmp_path / "bench.jsonl") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "w-step: plain 2.00 ms, ours 1.00 ms"
