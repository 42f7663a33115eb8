"""The habits of ``hnas upscale``: where results go without a word, what is said, pipes, and sizes."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hnas.cli.main import main
from tests.deploy.example import bicubic_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bicubic_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with photo.jpg and dog.png of 30x20 pixels."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    for name in ("photo.jpg", "dog.png"):
        Image.fromarray(pixels).save(name)
    return tmp_path


def _run(weights: Path, *arguments: object) -> int:
    return main(["upscale", *map(str, arguments), "-m", str(weights)])


def test_without_an_output_the_result_lies_beside_and_where_is_said(
    folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(weights, "photo.jpg") == 0
    assert capsys.readouterr().err == "photo.jpg -> photo-x2.png\n"
    assert Image.open("photo-x2.png").size == (60, 40)
    before = Path("photo-x2.png").read_bytes()
    assert _run(weights, "photo.jpg") == 2
    assert "photo-x2.png is there already; name the result with -o" in capsys.readouterr().err
    assert Path("photo-x2.png").read_bytes() == before
    assert _run(weights, "photo.jpg", "--skip-existing") == 0
    assert "photo.jpg -> photo-x2.png is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "name", "size"),
    [
        (("-s", "1.5"), "photo-x1.5.png", (45, 30)),
        (("-s", "2"), "photo-x2.png", (60, 40)),
        (("--size", "50x"), "photo-50x.png", (50, 33)),
        (("--size", "100x36"), "photo-100x36.png", (54, 36)),
    ],
)
def test_any_size(folder: Path, weights: Path, option: tuple[str, str], name: str, size: tuple[int, int]) -> None:
    assert _run(weights, "photo.jpg", *option) == 0
    assert Image.open(name).size == size


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-s", "0.5"), "--scale is 0.5; allowed is more than 1, to 16"),
        (("-s", "2", "--size", "50x"), "say the same twice"),
        (("--size", "wide"), "--size is wide; write 1920x"),
        (("--size", "10x"), "photo.jpg: 30x20 would become 0.333 times as large"),
    ],
)
def test_sizes_that_cannot_be(
    folder: Path, weights: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert _run(weights, "photo.jpg", "-o", "x.png", *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("x.png").exists()


def test_one_line_a_picture_where_nobody_watches(
    folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("notes.txt").write_text("no picture")
    assert _run(weights, ".", "-o", "big") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "hnas: note: .: passed over, since no picture that is read ends so: notes.txt",
        "dog.png -> big/dog.png",
        "photo.jpg -> big/photo.jpg",
        "2 pictures: 2 done",
    ]


def test_quiet_and_verbose(folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.txt").write_text("no picture")
    assert _run(weights, ".", "-o", "big", "--quiet") == 0
    assert capsys.readouterr().err == ""
    Path("bad.png").write_text("no picture either")
    assert _run(weights, ".", "-o", "big", "-q") == 1
    assert capsys.readouterr().err.splitlines()[0].startswith("hnas: error: bad.png: not a picture")
    Path("bad.png").unlink()
    assert _run(weights, ".", "-o", "big", "-v") == 0
    said = capsys.readouterr().err
    assert "passed over: notes.txt" in said
    assert " s)" in said


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_named_pipes_in_and_out(folder: Path, weights: Path) -> None:
    os.mkfifo("in.fifo")
    os.mkfifo("out.fifo")
    got: list[bytes] = []
    data = Path("dog.png").read_bytes()
    threads = [
        threading.Thread(target=lambda: Path("in.fifo").write_bytes(data), daemon=True),
        threading.Thread(target=lambda: got.append(Path("out.fifo").read_bytes()), daemon=True),
    ]
    for thread in threads:
        thread.start()
    assert _run(weights, "in.fifo", "-o", "out.fifo") == 0
    for thread in threads:
        thread.join(30)
    assert Image.open(io.BytesIO(got[0])).size == (60, 40)
    assert {path.name for path in folder.iterdir()} == {"in.fifo", "out.fifo", "dog.png", "photo.jpg"}


def test_a_name_as_long_as_can_be(folder: Path, weights: Path) -> None:
    name = "x" * 251 + ".png"
    Path("dog.png").rename(name)
    assert _run(weights, name, "-o", "results.v2") == 0
    assert Image.open(Path("results.v2") / name).size == (60, 40)
