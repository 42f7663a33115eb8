"""A disk that fails at every single operation of a training: old or new, never half, and the same bits afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from hnas.errors import HnasError
from hnas.run_files import CONFIG, WEIGHTS
from hnas.training.checkpoint import load_checkpoint
from hnas.training.run_folder import RunFolder
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.training.train_network import TrainingJob, train_network
from hnas.values import read_yaml
from hnas.weights import read_weights
from tests.faults import EndingMemory, How, Killed, ended, failing_disk, same_tensors

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


Kept = tuple[dict[str, torch.Tensor], list[dict[str, Any]]]


def outcome(run: Path) -> Kept:
    """The weights of a finished run, and its log without times."""
    lines = RunFolder(run, WEIGHTS).lines()
    return read_weights(run / WEIGHTS).tensors, [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def whole(job: TrainingJob, tmp_path_factory: pytest.TempPathFactory) -> tuple[Kept, list[str], int]:
    """What comes out of a training that nothing happens to, its operations on the disk, and its operations of torch."""
    run = tmp_path_factory.mktemp("whole") / "run"
    with failing_disk(run.parent) as disk:
        train_network(job, run)
    with EndingMemory() as memory:
        train_network(job, run, overwrite=True)
    return outcome(run), disk.operations, memory.count


def is_old_or_new(run: Path, kept: Kept) -> None:
    """What is on the disk is whole: each file is absent, as it was before, or as it is to be."""
    if (run / CONFIG).exists():
        assert read_yaml(run / CONFIG)["model"] == "espcn"
    state = load_checkpoint(run / "checkpoint")
    if state is not None:
        assert state["place"]["step"] in (EVERY, 2 * EVERY, 5)
    for line, right in zip(RunFolder(run, WEIGHTS).lines(), kept[1], strict=False):
        assert {k: v for k, v in line.items() if k != "seconds"} == right
    if (run / WEIGHTS).exists():
        assert same_tensors(read_weights(run / WEIGHTS).tensors, kept[0])


def goes_on(job: TrainingJob, run: Path, kept: Kept) -> None:
    """--resume ends in the same bits and the same log, with nothing left over."""
    error = ended(lambda: train_network(job, run, resume=True))
    assert error is None or "this run is finished" in str(error)
    weights, lines = outcome(run)
    assert same_tensors(weights, kept[0])
    assert lines == kept[1]
    assert not list(run.rglob("*.tmp"))


def fails_at(job: TrainingJob, run: Path, number: int, how: How, kept: Kept) -> None:
    with failing_disk(run.parent, number, how):
        error = ended(lambda: train_network(job, run))
    if how in ("error", "full"):
        assert error is None or (type(error) is HnasError and "\n" not in str(error))
        assert not list(run.parent.rglob("*.tmp"))
    else:
        assert type(error) is Killed
    is_old_or_new(run, kept)
    goes_on(job, run, kept)


def test_the_operations_of_a_training_are_counted(whole: tuple[Kept, list[str], int]) -> None:
    _, operations, tensors = whole
    # config.yaml, three checkpoints and weights, each made, written, synced and renamed, with its folder synced.
    assert {"create", "write", "sync", "rename", "mkdir"} == set(operations)
    assert operations.count("rename") == 5 + 2  # and two states became the ones before
    assert tensors > 500


@pytest.mark.parametrize("how", ["error", "full", "kill", "power"])
def test_some_operations_of_the_disk_fail(
    job: TrainingJob, whole: tuple[Kept, list[str], int], tmp_path: Path, how: How
) -> None:
    """Every twelfth, beginning elsewhere for every way; all of them under the mark `slow`."""
    kept, operations, _ = whole
    first = 3 * ["error", "full", "kill", "power"].index(how)
    for number in range(first, len(operations), 12):
        folder = tmp_path / str(number)
        folder.mkdir()
        fails_at(job, folder / "run", number, how, kept)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["error", "full", "kill", "power"])
def test_every_operation_of_the_disk_fails(
    job: TrainingJob, whole: tuple[Kept, list[str], int], tmp_path: Path, how: How
) -> None:
    kept, operations, _ = whole
    for number in range(len(operations)):
        folder = tmp_path / str(number)
        folder.mkdir()
        fails_at(job, folder / "run", number, how, kept)


def memory_ends_at(job: TrainingJob, run: Path, number: int, kept: Kept) -> None:
    with EndingMemory(number):
        error = ended(lambda: train_network(job, run))
    assert error is None or "can't allocate memory" in str(error)
    is_old_or_new(run, kept)
    goes_on(job, run, kept)


def test_memory_ends_at_some_tensors(job: TrainingJob, whole: tuple[Kept, list[str], int], tmp_path: Path) -> None:
    """Eight of them; all under the mark `slow`."""
    kept, _, tensors = whole
    for number in range(0, tensors, tensors // 8):
        memory_ends_at(job, tmp_path / str(number), number, kept)


@pytest.mark.slow
def test_memory_ends_at_every_tensor(job: TrainingJob, whole: tuple[Kept, list[str], int], tmp_path: Path) -> None:
    kept, _, tensors = whole
    for number in range(tensors):
        memory_ends_at(job, tmp_path / str(number), number, kept)


def test_the_faults_are_found(job: TrainingJob, whole: tuple[Kept, list[str], int], tmp_path: Path) -> None:
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
