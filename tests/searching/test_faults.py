"""A disk or memory that fails at every step of a search and of a study: the same genotype and scores afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hnas.data.pictures import write_picture
from hnas.run_files import CANDIDATES, GENOTYPE, LOG, WEIGHTS
from hnas.searching.runs import search
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.searching.study.run import STUDY, run_study
from hnas.training.settings import DeviceSettings
from tests.failing_work import WAYS, Work, bits, disk_fails, memory_ends, some, timeless
from tests.faults import How
from tests.searching.conftest import TINY, picture

#: Two rounds with a checkpoint after each; chains, whose shared weights a search hands over.
CHAINS = replace(
    TINY, space="chain", widths=(4,), depths=(1, 2), hidden=2, rounds=2, warmup=0, w_steps=1, controller_steps=1,
    derive_samples=2, tau_samples=2, checkpoint_every=1, batch=1, short_steps=1, lam=0.9, population=2, tournament=2,
)  # fmt: skip
STUDY_OF_TWO = StudySettings(strategies=("random", "evolution"), seeds=1, evaluations=10, alone=2, alone_steps=1)
DEVICE = DeviceSettings(accelerator="cpu")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two small pictures to search on and one to validate on."""
    root = tmp_path_factory.mktemp("pictures")
    for name, seeds in (("train", (0, 1)), ("val", (100,))):
        (root / name).mkdir()
        for seed in seeds:
            write_picture(root / name / f"p{seed}.png", picture(seed, 24))
    return root / "train", root / "val"


def outcome(run: Path) -> Any:
    """A search's genotype, its logs, and its weights where it hands them over."""
    weights = bits(run / WEIGHTS) if (run / WEIGHTS).exists() else None
    return (run / GENOTYPE).read_text(), timeless(run, LOG), timeless(run, CANDIDATES), weights


def of_a_search(settings: SearchSettings, pictures: tuple[Path, Path]) -> Work:
    def searched(folder: Path, resume: bool) -> None:
        search(*pictures, run_dir=folder / "run", settings=settings, devices=DEVICE, resume=resume)

    return Work(
        begin=lambda folder: searched(folder, False),
        go_on=lambda folder: searched(folder, True),
        outcome=lambda folder: outcome(folder / "run"),
    )


def of_a_study(settings: SearchSettings, pictures: tuple[Path, Path]) -> Work:
    def studied(folder: Path, resume: bool) -> None:
        run_study(*pictures, run_dir=folder / "run", settings=settings, study=STUDY_OF_TWO, resume=resume)

    def found(folder: Path) -> Any:
        said = json.loads((folder / "run" / STUDY).read_text())
        return said, {run.name: outcome(run) for run in sorted((folder / "run").glob("seed-*"))}

    return Work(lambda folder: studied(folder, False), lambda folder: studied(folder, True), found)


WORKS: dict[str, Callable[[tuple[Path, Path]], Work]] = {
    "search": lambda pictures: of_a_search(CHAINS, pictures),
    "search of cells": lambda pictures: of_a_search(
        replace(TINY, rounds=2, w_steps=1, controller_steps=1, derive_samples=2, checkpoint_every=1, batch=1), pictures
    ),
    "search by short training": lambda pictures: of_a_search(replace(CHAINS, scorer="short"), pictures),
    "study": lambda pictures: of_a_study(CHAINS, pictures),
    "study by short training": lambda pictures: of_a_study(replace(CHAINS, scorer="short"), pictures),
}
#: The rest is for the mark `slow`.
IN_EVERY_RUN = ("search", "search by short training")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", IN_EVERY_RUN)
def test_some_operations_of_the_disk_fail(name: str, how: How, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    work = WORKS[name](pictures)
    wanted, operations = work.counted(tmp_path / "counted")
    disk_fails(work, tmp_path, some(len(operations), how), how, wanted)


def test_some_operations_fail_in_a_study(pictures: tuple[Path, Path], tmp_path: Path) -> None:
    """Eight kills; all ways under the mark `slow`."""
    work = WORKS["study"](pictures)
    wanted, operations = work.counted(tmp_path / "counted")
    disk_fails(work, tmp_path, range(5, len(operations), len(operations) // 8), "power", wanted)


@pytest.mark.slow
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", WORKS)
def test_every_operation_of_the_disk_fails(name: str, how: How, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    work = WORKS[name](pictures)
    wanted, operations = work.counted(tmp_path / "counted")
    disk_fails(work, tmp_path, range(len(operations)), how, wanted)


def test_memory_ends_at_some_tensors(pictures: tuple[Path, Path], tmp_path: Path) -> None:
    """Eight of a search's; all under the mark `slow`."""
    work = WORKS["search"](pictures)
    wanted, _ = work.counted(tmp_path / "counted")
    tensors = work.tensors(tmp_path / "again")
    assert tensors > 2000
    memory_ends(work, tmp_path, range(7, tensors, tensors // 8), wanted)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["search", "search by short training"])
def test_memory_ends_at_every_tensor(name: str, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    work = WORKS[name](pictures)
    wanted, _ = work.counted(tmp_path / "counted")
    memory_ends(work, tmp_path, range(work.tensors(tmp_path / "again")), wanted)
