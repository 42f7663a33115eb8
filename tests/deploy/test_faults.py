"""A disk or memory that fails at every step of an enlargement over an existing file: the old picture or the new one."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hnas.deploy.enlarge.files import upscale_files
from hnas.deploy.enlarge.models import load
from hnas.deploy.enlarge.planning import Job
from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.pictures.reading import open_picture
from hnas.errors import HnasError
from tests.failing_work import WAYS, Work, disk_fails, memory_ends
from tests.faults import How

#: What is written differs between formats: chunks, directories that are put in afterwards, frames.
ENDINGS = (".png", ".tif", ".jpg", ".webp", ".gif")
SIDE = 24


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two frames."""
    path = tmp_path_factory.mktemp("pictures") / "a.gif"
    noise = np.random.default_rng(0).integers(256, size=(2, SIDE, SIDE, 3), dtype=np.uint8)
    first, second = map(Image.fromarray, noise)
    first.save(path, save_all=True, append_images=[second], duration=40)
    return path


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return load("fast-x2", tile=16)


def of_an_enlargement(upscaler: Upscaler, source: Path, ending: str) -> Work:
    """Over a file of the same name, which is a whole picture too."""

    def begin(folder: Path) -> None:
        (outcome,) = upscale_files(upscaler, [Job(source, folder / f"out{ending}")])
        if outcome.status == "failed":
            raise HnasError(outcome.error)

    def before(folder: Path) -> None:
        folder.mkdir(parents=True)
        Image.new("RGB", (7, 5), "red").save(folder / f"out{ending}")

    def result(folder: Path) -> bytes:
        (path,) = folder.iterdir()
        return path.read_bytes()

    def is_old_or_new(folder: Path) -> None:
        assert open_picture(folder / f"out{ending}").pixels.shape[:2] in ((5, 7), (2 * SIDE, 2 * SIDE))

    return Work(begin, begin, result, before, is_old_or_new)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_every_operation_of_the_disk_fails(
    ending: str, how: How, source: Path, upscaler: Upscaler, tmp_path: Path
) -> None:
    work = of_an_enlargement(upscaler, source, ending)
    wanted, operations = work.counted(tmp_path / "counted")
    assert operations.count("rename") == 1
    disk_fails(work, tmp_path, range(len(operations)), how, wanted)


def close_to(picture: Path, wanted: bytes) -> bool:
    """Within a grey level: a picture that has no memory is tried again in tiles, which add numbers in another order."""
    with Image.open(picture) as one, Image.open(io.BytesIO(wanted)) as other:
        return bool(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).max() <= 1)


@pytest.fixture(scope="module")
def with_torch(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Work, int, bytes]:
    """An enlargement by torch, the number of its operations, and what comes of it."""
    work = of_an_enlargement(load("fast-x2", backend="torch"), source, ".png")
    wanted, _ = work.counted(tmp_path_factory.mktemp("counted") / "0")
    return work, work.tensors(tmp_path_factory.mktemp("again") / "0"), wanted


def test_memory_ends_at_every_tensor(with_torch: tuple[Work, int, bytes], tmp_path: Path) -> None:
    work, tensors, wanted = with_torch
    assert tensors > 20
    close = replace(work, outcome=lambda folder: close_to(folder / "out.png", wanted))
    memory_ends(close, tmp_path, range(tensors), True)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits address space")
def test_a_command_whose_memory_is_limited_leaves_the_old_picture_or_the_new_one(tmp_path: Path) -> None:
    """`ulimit -v` from what is not enough to start, to what is enough."""
    big, out = tmp_path / "big.png", tmp_path / "out.png"
    Image.fromarray(np.random.default_rng(0).integers(256, size=(900, 1200, 3), dtype=np.uint8)).save(big)
    statuses = []
    for megabytes in range(150, 551, 40):
        Image.new("RGB", (7, 5), "red").save(out)
        old, most = out.read_bytes(), megabytes * 1_000_000
        done = subprocess.run(
            [sys.executable, "-m", "hnas", "upscale", str(big), "-o", str(out), "-m", "fast-x2", "--quiet"],
            preexec_fn=lambda most=most: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
            capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        statuses.append(done.returncode)
        assert {path.name for path in tmp_path.iterdir()} == {"big.png", "out.png"}
        if done.returncode:
            assert out.read_bytes() == old
        else:
            assert open_picture(out).pixels.shape == (1800, 2400, 3)
        assert len(done.stderr.splitlines()) == bool(done.returncode), done.stderr[-2000:]
    assert statuses[0] != 0
    assert statuses[-1] == 0
