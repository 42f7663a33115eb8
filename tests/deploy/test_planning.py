"""No result takes the place of a picture that is to be enlarged, nor becomes one, by whatever name a file goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from hnas.deploy.enlarge.planning import plan_jobs
from hnas.errors import HnasError


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """photos/cat.png and photos/dog.png, in the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = Path("photos")
    folder.mkdir()
    for name in ("cat.png", "dog.png"):
        Image.new("L", (4, 4)).save(folder / name)
    return folder


def _names(*arguments: object, **options: object) -> dict[str, str]:
    plan = plan_jobs(*arguments, **options)
    return {str(job.source): str(job.target) for job in plan.jobs}


def test_a_result_never_replaces_another_picture(photos: Path) -> None:
    Image.new("L", (4, 4)).save(photos / "cat_x2.png")
    with pytest.raises(HnasError, match=r"cat_x2\.png: this picture is to be enlarged, and would be replaced by .*cat"):
        plan_jobs(["photos"], "photos", suffix="x2")
    plan = plan_jobs(["photos"], "photos", suffix="x2", skip_existing=True)
    assert {job.source.name for job in plan.jobs} == {"cat.png", "dog.png"}
    assert plan.notes == ("photos/cat_x2.png: left out, since it has the name of another picture's result",)


@pytest.mark.parametrize("output", ["photos/big", "./photos/../photos/big", "link/big", "absolute"])
def test_results_inside_the_folder_are_no_pictures_by_any_name(photos: Path, output: str) -> None:
    Path("link").symlink_to("photos")
    (photos / "big").mkdir()
    Image.new("L", (4, 4)).save(photos / "big" / "cat.png")
    plan = plan_jobs(["photos"], str((photos / "big").resolve()) if output == "absolute" else output)
    assert {str(job.source) for job in plan.jobs} == {"photos/cat.png", "photos/dog.png"}
    assert "1 pictures in this folder are results and are not enlarged again" in plan.notes[0]


@pytest.mark.parametrize("make", [os.link, os.symlink])
def test_another_name_of_the_picture_is_the_picture(photos: Path, make: object) -> None:
    make((photos / "cat.png").resolve(), "same.png")
    with pytest.raises(HnasError, match="the result would replace it"):
        plan_jobs(["photos/cat.png"], "same.png")


def test_a_picture_named_twice_is_enlarged_once(photos: Path) -> None:
    assert _names(["photos/cat.png", "./photos/cat.png"], "big") == {"photos/cat.png": "big/cat.png"}


def test_what_is_passed_over_is_said(photos: Path) -> None:
    for name in ("IMG_1.MOV", "notes.txt", ".hidden"):
        (photos / name).write_bytes(b"x")
    plan = plan_jobs(["photos"], "big")
    assert {path.name for path in plan.passed_over} == {"IMG_1.MOV", "notes.txt"}
    assert plan.notes == ("photos: passed over, since no picture that is read ends so: IMG_1.MOV, notes.txt",)


def test_without_an_output_results_lie_beside_and_replace_nothing(photos: Path) -> None:
    assert _names(["photos/cat.png"], None, enlarged="x2") == {"photos/cat.png": "photos/cat-x2.png"}
    assert _names(["photos/cat.png"], None, enlarged="x2", extension="jpg") == {"photos/cat.png": "photos/cat-x2.jpg"}
    assert _names(["photos"], None, enlarged="x2") == {
        "photos/cat.png": "photos-x2/cat.png",
        "photos/dog.png": "photos-x2/dog.png",
    }
    (photos / "cat-x2.png").write_bytes(b"mine")
    with pytest.raises(HnasError, match=r"cat-x2\.png is there already; name the result with -o"):
        plan_jobs(["photos/cat.png"], None, enlarged="x2")


def test_folders_with_dots_and_names_as_long_as_can_be(photos: Path) -> None:
    assert _names(["photos/cat.png"], "results.v2") == {"photos/cat.png": "results.v2/cat.png"}
    assert _names(["photos/cat.png"], "big.png/") == {"photos/cat.png": "big.png/cat.png"}
    for ending in (".svg", ".mp4", ".txt"):
        with pytest.raises(HnasError, match=f"cannot write {ending}"):
            plan_jobs(["photos/cat.png"], f"x{ending}")
    assert _names(["photos/cat.png"], "big.pngg/") == {"photos/cat.png": "big.pngg/cat.png"}
    Path("old.pngg").mkdir()
    assert _names(["photos/cat.png"], "old.pngg") == {"photos/cat.png": "old.pngg/cat.png"}
    with pytest.raises(HnasError, match=r"--suffix is 'a/b'; .* may hold no /"):
        plan_jobs(["photos/cat.png"], None, suffix="a/b")
    long = "ü" * 125 + "x.png"
    Image.new("L", (4, 4)).save(photos / long)
    (target,) = _names([f"photos/{long}"], None, enlarged="x2").values()
    assert len(os.fsencode(Path(target).name)) <= 255
    assert Path(target).name.startswith("ü" * 100)
    assert target.endswith("-x2.png")
