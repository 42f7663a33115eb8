"""Nothing is lost: a training that is killed, or whose disk fills up, goes on to the very same bits."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import hnas.files
from hnas.errors import HnasError
from hnas.training.checkpoint import load_checkpoint, save_checkpoint
from hnas.training.run_folder import RunFolder
from tests.training.example import SETTINGS, run_example

EXAMPLE = [sys.executable, str(Path(__file__).with_name("example.py"))]


def _lines(folder: Path) -> list[dict[str, Any]]:
    lines = RunFolder(folder, "weights.txt").lines()
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    return run_example(folder), _lines(folder)


def test_killed_with_sigkill_and_resumed_gives_the_same_bits_and_the_same_log(
    tmp_path: Path, uninterrupted: tuple[str, list[dict[str, Any]]]
) -> None:
    folder = tmp_path / "run"
    for resume, reached in (([], 12), (["--resume"], 27)):
        process = subprocess.Popen([*EXAMPLE, str(folder), *resume, "--pause", "0.05"])
        log = folder / "log.jsonl"
        deadline = time.monotonic() + 60
        while not (log.exists() and f'"step": {reached},' in log.read_text()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        state = load_checkpoint(folder / "checkpoint")
        assert state
        assert 0 < state["place"]["step"] < 40
    assert (run_example(folder, resume=True), _lines(folder)) == uninterrupted


def test_stopped_by_time_after_every_step_gives_the_same_bits_and_the_same_log(
    tmp_path: Path, uninterrupted: tuple[str, list[dict[str, Any]]]
) -> None:
    folder, settings = tmp_path / "run", replace(SETTINGS, max_minutes=1e-9)
    for step in range(1, SETTINGS.steps):
        run_example(folder, settings=settings, resume=step > 1)
        state = load_checkpoint(folder / "checkpoint")
        assert state
        assert state["place"]["step"] == step
        assert not (folder / "weights.txt").exists()
    assert (run_example(folder, settings=settings, resume=True), _lines(folder)) == uninterrupted


def test_killed_while_it_writes_a_checkpoint_keeps_the_one_before(
    tmp_path: Path, uninterrupted: tuple[str, list[dict[str, Any]]]
) -> None:
    folder = tmp_path / "run"
    killed = subprocess.run([*EXAMPLE, str(folder), "--die-in-checkpoint", "2"])
    assert killed.returncode == -signal.SIGKILL
    assert list((folder / "checkpoint").glob(".*.tmp"))  # the kill hit between writing and renaming
    state = load_checkpoint(folder / "checkpoint")
    assert state
    assert state["place"]["step"] == 2 * SETTINGS.checkpoint_every
    assert (run_example(folder, resume=True), _lines(folder)) == uninterrupted
    assert not list(folder.rglob("*.tmp"))


def test_resume_without_a_checkpoint_yet_starts_from_nothing(
    tmp_path: Path, uninterrupted: tuple[str, list[dict[str, Any]]]
) -> None:
    folder = tmp_path / "run"
    killed = subprocess.run([*EXAMPLE, str(folder), "--die-in-checkpoint", "0"])
    assert killed.returncode == -signal.SIGKILL
    assert (run_example(folder, resume=True), _lines(folder)) == uninterrupted


def test_two_processes_train_on_patches_of_their_own_and_agree(
    tmp_path: Path, uninterrupted: tuple[str, list[dict[str, Any]]]
) -> None:
    folder = tmp_path / "run"
    subprocess.run([*EXAMPLE, str(folder), "--devices", "2"], check=True, capture_output=True, timeout=120)
    assert (folder / "weights.txt").read_text() != uninterrupted[0]
    lines = _lines(folder)
    assert [line["step"] for line in lines] == [line["step"] for line in uninterrupted[1]]  # once each: one writer
    # The mean of two processes' losses over the first steps is near, but not, that of one.
    assert lines[0]["loss"] != uninterrupted[1][0]["loss"]
    assert lines[0]["loss"] == pytest.approx(uninterrupted[1][0]["loss"], rel=0.3)
    state = load_checkpoint(folder / "checkpoint")
    assert state
    assert len(state["generators"]) == 2


def test_a_full_disk_is_one_line_and_the_checkpoint_before_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, {"weights": torch.ones(3)})
    monkeypatch.setattr(hnas.files.os, "fsync", _disk_full)
    with pytest.raises(HnasError, match=r"state\.pt: cannot write it \(No space left on device\)"):
        save_checkpoint(tmp_path, {"weights": torch.zeros(3)})
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
    state = load_checkpoint(tmp_path)
    assert state
    assert state["weights"].tolist() == [1, 1, 1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_log_on_a_full_disk_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(HnasError, match=r"No space left on device.*--resume"):
        RunFolder(tmp_path, "weights.txt").append({"step": 1})


def _disk_full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_loss_that_is_nan_stops_at_its_step_and_keeps_the_state_before(
    tmp_path: Path, uninterrupted: tuple[str, list[dict[str, Any]]]
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(HnasError, match=r"the loss is nan at step 23, .*last good state.*--grad-clip"):
        run_example(folder, nan_at=23)
    state = load_checkpoint(folder / "checkpoint")
    assert state
    assert state["place"]["step"] == 21
    assert run_example(folder, resume=True) == uninterrupted[0]


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    # The only step's loss is finite; the update is as large as a float32 can be, and overflows where weights add to it.
    settings = replace(SETTINGS, steps=1, lr=3.4e38, ema=0.0)
    with pytest.raises(HnasError, match="a weight is not finite at step 1"):
        run_example(tmp_path / "run", settings=settings, validate=None)
    assert load_checkpoint(tmp_path / "run" / "checkpoint") is None


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    if content is None:  # cut short
        save_checkpoint(tmp_path, {"weights": torch.ones(1000)})
        content = (tmp_path / "state.pt").read_bytes()[:-1000]
    (tmp_path / "state.pt").write_bytes(content)
    with pytest.raises(HnasError, match=r"state\.pt: .*--overwrite"):
        load_checkpoint(tmp_path)


def test_a_damaged_last_state_costs_what_came_after_the_one_before(
    tmp_path: Path, uninterrupted: tuple[str, list[dict[str, Any]]], caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "run"
    subprocess.run([*EXAMPLE, str(folder), "--die-in-checkpoint", "3"], check=False)
    last, before = folder / "checkpoint" / "state.pt", folder / "checkpoint" / "state.before.pt"
    assert not last.exists()  # the kill hit between the two renames
    state = load_checkpoint(folder / "checkpoint")
    assert state
    assert state["place"]["step"] == 3 * SETTINGS.checkpoint_every
    content = bytearray(before.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    assert not caplog.records
    assert (run_example(folder, resume=True), _lines(folder)) == uninterrupted
    assert "state.pt: damaged" in caplog.text
    assert f"going on from the state before, {before}" in caplog.text
    steps = [torch.load(path, weights_only=True)["place"]["step"] for path in (before, last)]
    assert steps == [35, 40]


def test_any_changed_byte_is_found_or_changes_nothing(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"weights": torch.arange(40.0), "step": 3})
    path = tmp_path / "state.pt"
    content = path.read_bytes()
    found = 0
    for place in range(0, len(content), 3):
        changed = bytearray(content)
        changed[place] ^= 0x10
        path.write_bytes(changed)
        try:
            state = load_checkpoint(tmp_path)
        except HnasError:
            found += 1
            continue
        assert state
        assert (state["step"], state["weights"].tolist()) == (3, list(range(40)))
    assert found > len(content) // 3 // 2


@pytest.mark.parametrize(
    "change",
    [
        {"place": {"seconds": float("inf")}},
        {"place": {"step": "3"}},
        {"place": {"step": 3, "better": 1}},
        {"place": {"step": 3, "pending": [1]}},
        {"place": {"step": 3, "best": {}}},
        {"place": 3},
        {"model": {}},
        {"model": {"head.weight": torch.zeros(2)}},
        {"optimizer": {}},
        {"optimizer": [1]},
        {"ema": None},
        {"generators": 1},
        {"generators": []},
        {"generators": [{"cpu": torch.zeros(3), "cuda": []}]},
        {"log_lengths": 3},
        {"log_lengths": {"log.jsonl": -1}},
        {"pictures": 3},
        {"pictures": {"a": 3}},
    ],
)
def test_a_foreign_state_is_one_line_and_harms_no_log(tmp_path: Path, change: dict[str, Any]) -> None:
    folder, settings = tmp_path / "run", replace(SETTINGS, max_minutes=1e-9, log_every=1)
    run_example(folder, settings=settings)
    log = (folder / "log.jsonl").read_text()
    path = folder / "checkpoint" / "state.pt"
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    with pytest.raises(HnasError, match=r"checkpoint: "):
        run_example(folder, settings=settings, resume=True)
    assert (folder / "log.jsonl").read_text() == log


def test_halves_of_files_whose_process_was_killed_go(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone = tmp_path / f".a.png.{ended.pid}.tmp"
    others = [tmp_path / f".a.png.{os.getppid()}.tmp", tmp_path / f".b.png.{ended.pid}.tmp"]
    for path in (gone, *others):
        path.write_bytes(b"half")
    hnas.files.write_atomically(tmp_path / "a.png", b"whole")
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "a.png"])


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(tmp_path / "evil"),))

    buffer = io.BytesIO()
    torch.save({"format": "hnas-checkpoint/1", "evil": Evil()}, buffer)
    (tmp_path / "state.pt").write_bytes(buffer.getvalue())
    with pytest.raises(HnasError, match=r"state\.pt"):
        load_checkpoint(tmp_path)
    assert not (tmp_path / "evil").exists()


def test_the_log_is_json_lines_with_the_agreed_names(uninterrupted: tuple[str, list[dict[str, Any]]]) -> None:
    lines = uninterrupted[1]
    assert json.loads(json.dumps(lines)) == lines
    steps = {line["step"] for line in lines}
    assert steps == {*range(4, 41, 4), 9, 18, 27, 36}
    assert all(line["phase"] == "train" and line["loss"] > 0 and line["lr"] > 0 for line in lines)
    assert {line["step"] for line in lines if "psnr" in line} == {9, 18, 27, 36, 40}
