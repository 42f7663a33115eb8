"""A disk that fails at every single operation of a training: old or new, never half, and the same bits afterwards."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hnas.run_files import WEIGHTS
from hnas.training.checkpoint import load_checkpoint
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.training.train_network import TrainingJob, train_network
from tests.failing_work import WAYS, Work, bits, disk_fails, memory_ends, some, timeless
from tests.faults import How, Killed, ended, failing_disk

#: Steps after which there is a checkpoint.
EVERY = 2


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    folder = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(0).integers(256, size=(2, 24, 24, 3), dtype=np.uint8)
    for name, picture in zip("ab", noise, strict=True):
        Image.fromarray(picture).save(folder / f"{name}.png")
    settings = TrainingSettings(
        steps=5, batch=1, patch=8, log_every=1, validate_every=3, checkpoint_every=EVERY, ema=0.9
    )
    return TrainingJob(
        model="espcn", data=(folder,), val=folder, settings=settings, device=DeviceSettings(accelerator="cpu")
    )


def outcome(folder: Path) -> Any:
    """The weights of a finished run, and its log."""
    return bits(folder / "run" / WEIGHTS), timeless(folder / "run", "log.jsonl")


def is_at_a_checkpoint(folder: Path) -> None:
    state = load_checkpoint(folder / "run" / "checkpoint")
    assert state is None or state["place"]["step"] in (EVERY, 2 * EVERY, 5)


@pytest.fixture(scope="module")
def work(job: TrainingJob) -> Work:
    return Work(
        begin=lambda folder: train_network(job, folder / "run"),
        go_on=lambda folder: train_network(job, folder / "run", resume=True),
        outcome=outcome,
        is_whole=is_at_a_checkpoint,
    )


@pytest.fixture(scope="module")
def whole(work: Work, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[str]]:
    """What comes out of a training that nothing happens to, and its operations on the disk."""
    return work.counted(tmp_path_factory.mktemp("whole") / "0")


def test_the_operations_of_a_training_are_counted(whole: tuple[Any, list[str]], work: Work, tmp_path: Path) -> None:
    _, operations = whole
    # config.yaml, three checkpoints and weights, each made, written, synced and renamed, with its folder synced.
    assert {"create", "write", "sync", "rename", "mkdir"} == set(operations)
    assert operations.count("rename") == 5 + 2  # and two states became the ones before
    assert work.tensors(tmp_path / "0") > 500


@pytest.mark.parametrize("how", WAYS)
def test_some_operations_of_the_disk_fail(work: Work, whole: tuple[Any, list[str]], tmp_path: Path, how: How) -> None:
    wanted, operations = whole
    disk_fails(work, tmp_path, some(len(operations), how), how, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("how", WAYS)
def test_every_operation_of_the_disk_fails(work: Work, whole: tuple[Any, list[str]], tmp_path: Path, how: How) -> None:
    wanted, operations = whole
    disk_fails(work, tmp_path, range(len(operations)), how, wanted)


def test_memory_ends_at_some_tensors(work: Work, whole: tuple[Any, list[str]], tmp_path: Path) -> None:
    """Eight of them; all under the mark `slow`."""
    tensors = work.tensors(tmp_path / "counted")
    memory_ends(work, tmp_path, range(0, tensors, tensors // 8), whole[0])


@pytest.mark.slow
def test_memory_ends_at_every_tensor(work: Work, whole: tuple[Any, list[str]], tmp_path: Path) -> None:
    memory_ends(work, tmp_path, range(work.tensors(tmp_path / "counted")), whole[0])


@pytest.fixture(scope="module")
def anew(job: TrainingJob) -> Work:
    """A training in place of one that is finished."""
    other = replace(job, settings=replace(job.settings, seed=1))

    def before(folder: Path) -> None:
        folder.mkdir(parents=True)
        train_network(other, folder / "run")

    def begin(folder: Path) -> None:
        train_network(job, folder / "run", overwrite=True)

    return Work(begin=begin, go_on=begin, outcome=outcome, before=before)


@pytest.mark.parametrize("how", WAYS)
def test_some_operations_fail_while_a_run_is_replaced(
    anew: Work, whole: tuple[Any, list[str]], tmp_path: Path, how: How
) -> None:
    _, operations = anew.counted(tmp_path / "counted")
    disk_fails(anew, tmp_path, some(len(operations), how), how, whole[0])


@pytest.mark.slow
@pytest.mark.parametrize("how", WAYS)
def test_every_operation_fails_while_a_run_is_replaced(
    anew: Work, whole: tuple[Any, list[str]], tmp_path: Path, how: How
) -> None:
    _, operations = anew.counted(tmp_path / "counted")
    disk_fails(anew, tmp_path, range(len(operations)), how, whole[0])


def test_the_faults_are_found(tmp_path: Path) -> None:
    """Without a sync before the rename, a power cut leaves half of a file: the disk above would show it."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"old": 1}))

    def careless() -> None:
        beside = tmp_path / "b"
        beside.write_text(json.dumps({"new": 2}))
        beside.replace(path)
        (tmp_path / "next").mkdir()

    with failing_disk(tmp_path, 3, "power"):
        assert type(ended(careless)) is Killed
    assert path.read_text() == '{"new'
