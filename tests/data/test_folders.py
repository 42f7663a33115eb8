"""Folder layouts, pairs, and their memory-mapped copies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hnas.data import folders
from hnas.data.folders import find_pictures, find_sets, load_pairs
from hnas.data.pictures import write_picture
from hnas.data.resize import imresize
from hnas.errors import HnasError

RNG = np.random.default_rng(0)


def _picture(path: Path, height: int = 13, width: int = 17) -> np.ndarray:
    picture = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    write_picture(path, picture)
    return picture


def test_any_folder_to_any_depth_with_pictures_made_small(tmp_path: Path) -> None:
    first = _picture(tmp_path / "a" / "b" / "one.png")
    _picture(tmp_path / "two.bmp", 8, 8)
    _picture(tmp_path / ".hidden" / "three.png")
    (tmp_path / "notes.txt").write_text("no picture")
    assert [p.name for p in find_pictures(tmp_path)] == ["one.png", "two.bmp"]
    pairs = load_pairs(tmp_path, 3)
    assert [pair.name for pair in pairs] == ["a/b/one", "two"]
    assert np.array_equal(pairs[0].hr, first[:12, :15])
    assert np.array_equal(pairs[0].lr, imresize(first[:12, :15], 1 / 3))
    assert pairs[1].lr.shape == (2, 2, 3)
    assert [pair.name for pair in load_pairs(tmp_path, 3, limit=1)] == ["a/b/one"]


def test_two_pictures_of_one_name_keep_their_endings(tmp_path: Path) -> None:
    _picture(tmp_path / "a.png")
    _picture(tmp_path / "a.bmp")
    _picture(tmp_path / "b.bmp")
    assert [pair.name for pair in load_pairs(tmp_path, 2)] == ["a.bmp", "a.png", "b"]


def test_a_single_picture_is_a_set(tmp_path: Path) -> None:
    _picture(tmp_path / "a.png")
    assert [found.name for found in find_sets(tmp_path / "a.png")] == ["a"]
    assert [pair.name for pair in load_pairs(tmp_path / "a.png", 2)] == ["a"]


@pytest.mark.parametrize("given", ["Set5", "Set5/HR"])
def test_benchmark_layout_takes_the_published_small_pictures(tmp_path: Path, given: str) -> None:
    hr = _picture(tmp_path / "Set5" / "HR" / "baby.png")
    lr = _picture(tmp_path / "Set5" / "LR_bicubic" / "X2" / "babyx2.png", 6, 8)
    assert [found.name for found in find_sets(tmp_path / given)] == ["Set5"]
    (pair,) = load_pairs(tmp_path / given, 2)
    assert np.array_equal(pair.hr, hr[:12, :16])
    assert np.array_equal(pair.lr, lr)
    (made,) = load_pairs(tmp_path / given, 4)
    assert np.array_equal(made.lr, imresize(hr[:12, :16], 1 / 4))


def test_div2k_layout(tmp_path: Path) -> None:
    for name in ("train", "valid"):
        _picture(tmp_path / f"DIV2K_{name}_HR" / "0001.png")
        _picture(tmp_path / f"DIV2K_{name}_LR_bicubic" / "X3" / "0001x3.png", 4, 5)
    assert [found.name for found in find_sets(tmp_path)] == ["DIV2K-train", "DIV2K-valid"]
    assert len(load_pairs(tmp_path / "DIV2K_valid_HR", 3)) == 1
    with pytest.raises(HnasError, match="several sets"):
        load_pairs(tmp_path, 3)


def test_a_folder_of_sets(tmp_path: Path) -> None:
    for name in ("Set14", "Set5"):
        _picture(tmp_path / name / "HR" / "a.png")
    assert [found.name for found in find_sets(tmp_path)] == ["Set14", "Set5"]


def test_what_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    _picture(tmp_path / "tiny" / "a.png", 3, 9)
    _picture(tmp_path / "wrong" / "HR" / "a.png")
    _picture(tmp_path / "wrong" / "LR_bicubic" / "X2" / "ax2.png", 5, 8)
    _picture(tmp_path / "gap" / "HR" / "a.png")
    (tmp_path / "gap" / "LR_bicubic" / "X2").mkdir(parents=True)
    for name, scale, words in [
        ("empty", 2, "empty has no pictures"),
        ("missing", 2, "missing does not exist"),
        ("tiny", 4, r"a\.png has 9x3 pixels, too few for scale 4"),
        ("wrong", 2, r"ax2\.png has 8x5 pixels; 8x6 are needed"),
        ("gap", 2, r"ax2\.png does not exist"),
    ]:
        with pytest.raises(HnasError, match=words):
            load_pairs(tmp_path / name, scale)


def test_large_sets_are_memory_mapped_and_follow_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MEMORY_LIMIT", 100)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    hr = _picture(tmp_path / "pictures" / "a.png")
    (pair,) = load_pairs(tmp_path / "pictures", 2)
    assert isinstance(pair.hr, np.memmap)
    assert isinstance(pair.lr, np.memmap)
    assert np.array_equal(pair.hr, hr[:12, :16])
    assert np.array_equal(pair.lr, imresize(hr[:12, :16], 1 / 2))
    copies = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npy")}
    (again,) = load_pairs(tmp_path / "pictures", 2)
    assert np.array_equal(again.lr, pair.lr)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npy")} == copies
    changed = _picture(tmp_path / "pictures" / "a.png", 20, 30)
    assert np.array_equal(load_pairs(tmp_path / "pictures", 2)[0].hr, changed)


def test_the_published_pictures(shared_data: Path) -> None:
    pairs = load_pairs(shared_data / "benchmark" / "Set14", 3)
    assert len(pairs) == 14
    for pair in pairs:
        assert pair.hr.shape == (3 * pair.lr.shape[0], 3 * pair.lr.shape[1], 3)
