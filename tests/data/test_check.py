"""Checking sets on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hnas.cli.main import main
from hnas.data.check import SmallPictures, check_set
from hnas.data.folders import find_sets
from hnas.data.pictures import write_picture
from hnas.data.resize import imresize


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three originals with small versions for x2, of which the last is another interpolation."""
    for index in range(3):
        picture = np.random.default_rng(index).integers(0, 256, (20, 24, 3), np.uint8)
        write_picture(tmp_path / "Three" / "HR" / f"{index}.png", picture)
        small = picture[::2, ::2] if index == 2 else imresize(picture, 1 / 2)
        write_picture(tmp_path / "Three" / "LR_bicubic" / "X2" / f"{index}x2.png", small)
    return tmp_path / "Three"


def test_a_whole_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked = check_set(find_sets(folder)[0])
    assert (checked.name, checked.pictures, checked.expected) == ("Three", 3, None)
    assert checked.lr == {2: SmallPictures(pictures=3, identical=2)}
    assert checked.problems == ()
    assert main(["data", "check", str(folder)]) == 0
    assert "x2: 3 low-resolution pictures, 2 as MATLAB's bicubic" in capsys.readouterr().out


def test_every_problem_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = folder / "HR" / "0.png"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    write_picture(folder / "LR_bicubic" / "X2" / "1x2.png", np.zeros((10, 11, 3), np.uint8))
    (folder / "LR_bicubic" / "X2" / "2x2.png").unlink()
    assert main(["data", "check", str(folder), "--json"]) == 1
    (checked,) = json.loads(capsys.readouterr().out)
    assert checked["pictures"] == 3
    for problem, words in zip(checked["problems"], ["0.png is damaged", "1x2.png has 11x10", "2x2.png"], strict=True):
        assert words in problem


def test_a_known_set_with_too_few_pictures(folder: Path) -> None:
    (checked,) = (check_set(found) for found in find_sets(folder.rename(folder.parent / "Set5")))
    assert checked.expected == 5
    assert checked.problems[0].endswith("has 3 pictures; Set5 has 5")


def test_the_published_sets(shared_data: Path) -> None:
    (checked,) = (check_set(found) for found in find_sets(shared_data / "benchmark" / "Set5"))
    assert checked.problems == ()
    assert checked.lr == dict.fromkeys((2, 3, 4), SmallPictures(pictures=5, identical=5))
