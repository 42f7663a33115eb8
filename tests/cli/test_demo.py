from __future__ import annotations

import json
import re
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from hnas.cli.main import main
from hnas.data.sample import HELD_OUT
from hnas.space import load_genotype

TINY = """
search: {layers: 2, channels: 2, rounds: 1, warmup: 0, w_steps: 1, w_genotypes: 2, controller_steps: 1, samples: 2,
         batch: 2, patch: 8, derive_samples: 2, derive_pictures: 1, derive_patch: 16, target_channels: 2,
         cell_skip: 0.3}
train: {channels: 2, cell_skip: 0.3, steps: 2, batch: 1, patch: 8, validate_every: 0}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("demo")
    preset, run = folder / "tiny.yaml", folder / "run"
    preset.write_text(TINY)
    with (folder / "said").open("w") as said, redirect_stderr(said):
        assert main(["demo", "--preset", str(preset), "--run-dir", str(run)]) == 0
    return preset, run


def test_it_goes_the_whole_way(finished: tuple[Path, Path]) -> None:
    _, run = finished
    assert load_genotype(run / "genotype.json").layers == 2
    assert (run / "report.html").stat().st_size > 10_000
    phases = [json.loads(line)["phase"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert "search" in phases
    assert phases[-1] == "train"
    chosen = [json.loads(line)["chosen"] for line in (run / "candidates.jsonl").read_text().splitlines()]
    assert sum(chosen) == 1


def test_steps_are_counted(finished: tuple[Path, Path]) -> None:
    preset, _ = finished
    steps = re.findall(r"^(\d)/(\d) (\w+)", (preset.parent / "said").read_text(), re.MULTILINE)
    assert steps == [("1", "3", "search"), ("2", "3", "train"), ("3", "3", "evaluate")]


def test_it_measures_on_photographs_that_nothing_else_saw(finished: tuple[Path, Path]) -> None:
    _, run = finished
    rows = {row["model"]: row for row in json.loads((run / "evaluation.json").read_text())}
    assert {picture["name"] for picture in rows["demo"]["pictures"]} == set(HELD_OUT)
    assert not {path.stem for path in (run / "photographs").iterdir()} & set(HELD_OUT)
    assert rows["bicubic"]["psnr"] == pytest.approx(32.92, abs=0.01)  # so do Pillow's bicubic and scikit-image's PSNR


def test_a_finished_run_is_not_overwritten(finished: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    preset, run = finished
    before = (run / "weights.safetensors").read_bytes()
    assert main(["demo", "--preset", str(preset), "--run-dir", str(run)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (run / "weights.safetensors").read_bytes() == before


def test_an_interrupted_run_goes_on_with_what_is_done(
    finished: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    preset, run = finished
    before = (run / "weights.safetensors").read_bytes()
    (run / "report.html").unlink()
    assert main(["demo", "--preset", str(preset), "--run-dir", str(run), "--resume", "--json"]) == 0
    captured = capsys.readouterr()
    assert "search" not in captured.err
    assert {row["model"] for row in json.loads(captured.out)["evaluation"]} == {"bicubic", "demo"}
    assert (run / "weights.safetensors").read_bytes() == before


def test_a_mistake_in_how_to_train_is_found_before_the_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = tmp_path / "wrong.yaml"
    preset.write_text(TINY.replace("steps: 2", "steps: 0"))
    assert main(["demo", "--preset", str(preset), "--run-dir", str(tmp_path / "run")]) == 2
    preset.write_text(TINY.replace("steps: 2", "stepps: 2"))
    assert main(["demo", "--preset", str(preset), "--run-dir", str(tmp_path / "run")]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert errors[1].startswith(f"hnas: error: {preset}: unknown setting stepps")
    assert not (tmp_path / "run").exists()
