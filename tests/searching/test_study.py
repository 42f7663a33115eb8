from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hnas.errors import HnasError
from hnas.report.study import write_study
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.searching.study.hypervolume import hypervolume
from hnas.searching.study.run import run_study


def test_hypervolume_is_the_dominated_area() -> None:
    """Two steps of a staircase: 0.1 x 1.5 and 0.2 x 1.0 up to the corner (0, 2); dominated points add nothing."""
    front = [(0.1, 0.5), (0.3, 1.0)]
    assert hypervolume(front) == pytest.approx(0.1 * 1.5 + 0.2 * 1.0)
    assert hypervolume([*front, (0.05, 0.6), (0.2, 1.5), (0.9, 2.5), (-1.0, 0.1)]) == hypervolume(front)
    assert hypervolume([]) == 0.0


def test_a_study_compares_strategies_on_the_same_weights_and_goes_on_where_it_stopped(
    folders: tuple[Path, Path], tiny: SearchSettings, tmp_path: Path
) -> None:
    settings = replace(tiny, rounds=2, short_steps=2, population=4, tournament=2, lam=0.9)
    study = StudySettings(strategies=("random", "evolution"), seeds=2, evaluations=10, alone=3, alone_steps=2)
    path = tmp_path / "study"

    def run(resume: bool = False) -> dict[str, object]:
        return run_study(*folders, run_dir=path, settings=settings, study=study, resume=resume)

    first = run()
    for seed in range(2):
        for name in study.strategies:
            lines = (path / f"seed-{seed}-{name}" / "candidates.jsonl").read_text().splitlines()
            assert sum(json.loads(line)["source"] == name for line in lines) == 10
    assert len(first["tau"]) == 2  # type: ignore[arg-type]
    assert -1.0 <= first["tau"][0] <= 1.0  # type: ignore[index]
    with pytest.raises(HnasError, match="finished"):
        run()

    # What a kill leaves: one search unfinished, the study without its result.
    (path / "study.json").unlink()
    (path / "seed-1-evolution" / "genotype.json").unlink()
    assert run(resume=True) == first

    # Killed before its page was written: the result is on record, and only the page comes anew.
    kept = {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()}
    recorded = run_study(*folders, run_dir=path, settings=settings, study=study, resume=True, then="study.md")
    assert recorded == json.loads(json.dumps(first))
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    (path / "study.md").write_text("a page")
    with pytest.raises(HnasError, match="finished"):
        run_study(*folders, run_dir=path, settings=settings, study=study, resume=True, then="study.md")

    changed = replace(settings, lam=0.5)
    again = run_study(*folders, run_dir=path, settings=changed, study=study, overwrite=True, then="study.md")
    assert not (path / "study.md").exists()
    assert again["settings"]["lam"] == 0.5
    for seed in range(2):
        for name in study.strategies:
            lines = (path / f"seed-{seed}-{name}" / "candidates.jsonl").read_text().splitlines()
            derived = [line for line in map(json.loads, lines) if line["source"] == "derive"]
            best = max(derived, key=lambda line: line["reward"])
            assert again["strategies"][name]["deriveds"][seed] == best["worth"]
    page = write_study(path).read_text()
    assert "| random |" in page
    assert "best of the derivation" in page
    assert page.count("The best of its derivation: ") == 1
    assert "uniform sampling" in page
    assert (path / "study-rewards.png").read_bytes().startswith(b"\x89PNG")


def test_a_study_takes_a_known_set_by_its_name_as_a_search_does(
    folders: tuple[Path, Path], tiny: SearchSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores by its pictures are those by the folder, of a strategy that learns from gradients too."""
    monkeypatch.setenv("HNAS_DATA", str(tmp_path))
    data, validation = folders
    shutil.copytree(validation, tmp_path / "benchmark" / "Set5" / "HR")
    settings = replace(tiny, rounds=1, warmup=0, lam=0.9)
    study = StudySettings(strategies=("darts", "random"), seeds=1, evaluations=10, alone=0)
    found = [
        run_study(data, val, run_dir=tmp_path / f"study-{index}", settings=settings, study=study)
        for index, val in enumerate(("Set5", validation))
    ]
    assert found[0]["strategies"] == found[1]["strategies"]
    with pytest.raises(HnasError, match="Set6 is no file or folder, and no set of that name is known"):
        run_study(data, "Set6", run_dir=tmp_path / "study", settings=settings, study=study)
    assert not (tmp_path / "study").exists()


def test_a_study_by_short_training_scores_every_genotype_once(
    folders: tuple[Path, Path], tiny: SearchSettings, tmp_path: Path
) -> None:
    """Killed after one search, it goes on without training again what the table has."""
    settings = replace(tiny, scorer="short", short_steps=2, population=4, tournament=2, lam=0.9)
    study = StudySettings(strategies=("random", "evolution"), seeds=2, evaluations=10, alone=3, alone_steps=4)
    path = tmp_path / "study"

    def run(resume: bool = False) -> dict[str, object]:
        return run_study(*folders, run_dir=path, settings=settings, study=study, resume=resume)

    first = run()
    table = {file.name: file.stat().st_mtime_ns for file in (path / "scores").iterdir()}
    searched = {
        json.dumps(json.loads(line)["genotype"])
        for file in path.glob("seed-*/candidates.jsonl")
        for line in file.read_text().splitlines()
    }
    assert len(searched) <= len(table) <= len(searched) + study.alone
    assert len(first["tau"]) == len(first["scores"]) == 1  # type: ignore[arg-type]

    (path / "study.json").unlink()
    shutil.rmtree(path / "seed-1-evolution")
    assert run(resume=True) == first
    assert {file.name: file.stat().st_mtime_ns for file in (path / "scores").iterdir()} == table
    page = write_study(path).read_text()
    assert "training each genotype alone for 2 steps" in page
    assert "derivation" not in page
