"""A person's own small pictures: by names of any layout, by order, and what is said and refused."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hnas.data.benchmarks import find_benchmarks
from hnas.data.folders import load_pairs
from hnas.data.pairing import pair_up
from hnas.data.pictures import write_picture
from hnas.errors import HnasError

HR, LR = Path("set/HR"), Path("set/LR")


def _paired(originals: Sequence[str], small: Sequence[str]) -> tuple[dict[str, str], str]:
    found, words = pair_up([HR / one for one in originals], [LR / one for one in small], root=HR, small_root=LR)
    return {str(one.relative_to(HR)): str(two.relative_to(LR)) for one, two in found.items()}, words


@pytest.mark.parametrize(
    ("large", "small"),
    [
        ("0801.png", "0801.jpg"),  # one name
        ("deep/0801.png", "deep/0801.png"),
        ("0801.png", "0801x2.png"),  # DIV2K
        ("img_001_SRF_2_HR.png", "img_001_SRF_2_LR.png"),  # Set14 of SelfExSR
        ("Canon_001_HR.png", "Canon_001_LR4.png"),  # RealSR
        ("0001_GT_SRGB_010.PNG", "0001_NOISY_SRGB_010.PNG"),  # SIDD
        ("hr-cat.png", "lr-cat.png"),
        ("cat.png", "cat_bicubic_x3.png"),
    ],
)
def test_names_of_layouts_in_use(large: str, small: str) -> None:
    found, words = _paired([large, "another.png"], ["another_x2.png" if "another" in large else "another.png", small])
    assert found == {large: small, "another.png": "another.png"}
    assert "2 pictures of set/HR are paired with those of set/LR by name, such as" in words


def test_the_same_name_in_two_folders_is_told_apart_by_the_folder() -> None:
    found, _ = _paired(["a/1.png", "b/1.png"], ["a/1.jpg", "b/1.jpg"])
    assert found == {"a/1.png": "a/1.jpg", "b/1.png": "b/1.jpg"}


def test_order_counts_where_no_name_fits_and_2_comes_before_10() -> None:
    found, words = _paired(["big2.png", "big10.png", "big1.png"], ["s_01.png", "s_02.png", "s_10.png"])
    assert found == {"big1.png": "s_01.png", "big2.png": "s_02.png", "big10.png": "s_10.png"}
    assert "by their order, as no name fits another, such as big1.png with s_01.png" in words


def test_small_ones_without_an_original_are_left_out_and_counted() -> None:
    found, words = _paired(["a.png"], ["a.png", "b.png", "c.png"])
    assert found == {"a.png": "a.png"}
    assert "2 more in set/LR have no original" in words


@pytest.mark.parametrize(
    ("large", "small", "words"),
    [
        (["a.png", "b.png", "c.png"], ["a.png", "b.png", "d.png"], "2 of 3 pictures in set/HR have a small one by"),
        (["a.png", "b.png"], ["c.png"], "no name fits one in set/HR, and 1 pictures do not go with 2 by their order"),
        (["a/1.png", "b/1.png"], ["1.png"], "no name fits"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_never_guessed(large: list[str], small: list[str], words: str) -> None:
    with pytest.raises(HnasError, match=words):
        _paired(large, small)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A set with HR and LR of one's own, which is darker than a bicubic one would be."""
    for name, value in (("one", 60), ("two", 200)):
        write_picture(tmp_path / "HR" / f"{name}.png", np.full((24, 32, 3), value, np.uint8))
        write_picture(tmp_path / "LR" / f"{name}_LR.png", np.full((12, 16, 3), value - 50, np.uint8))
    return tmp_path


def test_own_pictures_are_read_and_what_was_paired_is_said(own: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hnas"):
        pairs = load_pairs(own / "HR", 2, lr=own / "LR")
    assert [(pair.name, pair.hr[0, 0, 0], pair.lr[0, 0, 0]) for pair in pairs] == [("one", 60, 10), ("two", 200, 150)]
    (line,) = caplog.messages
    assert "2 pictures of" in line
    assert "by name, such as one.png with one_LR.png" in line


def test_a_folder_of_scales_is_looked_into(own: Path) -> None:
    for scale in (2, 4):
        write_picture(own / "mine" / f"X{scale}" / "one.png", np.full((24 // scale, 32 // scale, 3), scale, np.uint8))
        write_picture(own / "mine" / f"X{scale}" / "two.png", np.full((24 // scale, 32 // scale, 3), scale, np.uint8))
    assert {pair.lr[0, 0, 0] for pair in load_pairs(own / "HR", 4, lr=own / "mine")} == {4}


def test_small_pictures_of_another_size_are_refused(own: Path) -> None:
    with pytest.raises(HnasError, match=r"one_LR\.png has 16x12 pixels; 8x6 are needed"):
        load_pairs(own / "HR", 4, lr=own / "LR")


def test_a_folder_beside_the_originals_that_is_not_used_is_named(own: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hnas"):
        (pair, _) = load_pairs(own, 2)
    assert pair.lr[0, 0, 0] == 60
    (line,) = caplog.messages
    assert f"{own / 'LR'} is not used" in line
    assert "--lr-data" in line
    caplog.clear()
    (own / "LR").rename(own / "LR_bicubic")
    (own / "LR_bicubic" / "X2").mkdir()
    for name in ("one", "two"):
        (own / "LR_bicubic" / f"{name}_LR.png").rename(own / "LR_bicubic" / "X2" / f"{name}x2.png")
    with caplog.at_level(logging.INFO, "hnas"):
        (pair, _) = load_pairs(own, 2)
    assert pair.lr[0, 0, 0] == 10
    assert not caplog.messages


def test_small_pictures_belong_to_one_benchmark(own: Path) -> None:
    ((name, load),) = find_benchmarks([str(own)], lr_data=own / "LR")
    assert (name, [pair.lr[0, 0, 0] for pair in load(2)]) == (own.name, [10, 150])
    with pytest.raises(HnasError, match="has the small pictures of one set; name that one alone, not sample"):
        find_benchmarks(["sample"], lr_data=own / "LR")
