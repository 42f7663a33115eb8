"""`hnas evaluate`: rows, files, and mistakes told before anything is measured."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hnas.cli.main import main
from hnas.data.pictures import read_picture, write_picture
from hnas.data.sample import sample_pictures
from hnas.evaluation.metrics import psnr_y
from hnas.nets import FORMAT, build_model
from hnas.weights import save_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small sets, and a run folder with the weights of an untrained network."""
    folder = tmp_path_factory.mktemp("evaluate")
    pictures = sample_pictures()
    for name, of in (("coffee", "A"), ("chelsea", "A"), ("astronaut", "B")):
        write_picture(folder / "sets" / of / "HR" / f"{name}.png", pictures[name][:48, :60])
    model = build_model({"format": FORMAT, "architecture": "fsrcnn", "scale": 2})
    (folder / "run").mkdir()
    save_model(folder / "run" / "weights.safetensors", model, {})
    return folder


def test_json_has_a_row_for_every_model_and_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = str(folder / "run" / "weights.safetensors")
    arguments = ["evaluate", "bicubic", weights, "--benchmarks", str(folder / "sets"), "--scale", "2", "--json"]
    assert main([*arguments, "--self-ensemble"]) == 0
    rows = json.loads(capsys.readouterr().out)
    float_path, uint8_path = "bicubic (Y, float LR)", "bicubic (RGB, 8-bit LR)"
    assert [(row["model"], row["dataset"]) for row in rows] == [
        (model, dataset) for dataset in ("A", "B") for model in (float_path, uint8_path, weights)
    ]
    for row in rows:
        expected = {"model", "dataset", "scale", "psnr", "ssim"}
        assert set(row) == (expected | {"psnr_x8", "ssim_x8"} if row["model"] == weights else expected)
        assert row["scale"] == 2


def test_files_and_saved_pictures_agree_with_the_output(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(folder / "run"), "--benchmarks", str(folder / "sets" / "A"), "--per-picture"]
    files = ["--csv", str(tmp_path / "new" / "a.csv"), "--markdown", str(tmp_path / "a.md")]
    assert main([*arguments, *files, "--save-pictures", str(tmp_path / "saved"), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    with (tmp_path / "new" / "a.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["picture"] for line in lines] == ["", "chelsea", "coffee"]
    assert float(lines[0]["psnr"]) == row["psnr"]
    assert [float(line["psnr"]) for line in lines[1:]] == [picture["psnr"] for picture in row["pictures"]]
    assert row["psnr"] == pytest.approx(np.mean([picture["psnr"] for picture in row["pictures"]]))
    markdown = (tmp_path / "a.md").read_text().splitlines()
    assert len(markdown) == 2 + 3
    assert f"| {row['ssim']:.4f} |" in markdown[2]
    for picture in row["pictures"]:
        (saved,) = (tmp_path / "saved").rglob(f"A-x2/{picture['name']}.png")
        hr = sample_pictures()[picture["name"]][:48, :60]
        assert psnr_y(read_picture(saved), hr, 2) == picture["psnr"]


def test_it_works_with_nothing_at_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "bicubic"]) == 0
    assert "sample" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["no-such-model"], "no-such-model"),
        (["bicubic", "--scale", "5"], "--scale is 5"),
        (["RUN", "--scale", "3"], "enlarges 2 times"),
        (["bicubic", "--benchmarks", "no-such-folder"], "no-such-folder"),
        (["bicubic", "--benchmarks", "EMPTY"], "has no pictures"),
        (["bicubic", "--benchmarks", "Manga109"], "hnas data get Manga109"),
        (["bicubic", "--device", "abacus"], "abacus"),
        (["bicubic", "--benchmarks", "TINY"], "tiny has 14x14 pixels"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str],
    named: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HNAS_DATA", str(tmp_path))
    (tmp_path / "empty").mkdir()
    write_picture(tmp_path / "tiny" / "tiny.png", np.zeros((14, 14, 3), np.uint8))
    places = {"RUN": folder / "run", "EMPTY": tmp_path / "empty", "TINY": tmp_path / "tiny"}
    assert main(["evaluate", *(str(places.get(argument, argument)) for argument in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert named in captured.err


def test_unusual_pictures_are_measured_right_or_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = sample_pictures()["coffee"][100:147, 200:261]
    Image.fromarray(odd).save(tmp_path / "rgb.png")
    Image.fromarray(np.dstack([odd, np.full(odd.shape[:2], 255, np.uint8)])).save(tmp_path / "rgba.png")
    Image.fromarray(odd[:, :, 0]).save(tmp_path / "gray.png")
    Image.fromarray(np.repeat(odd[:, :, :1], 3, axis=2)).save(tmp_path / "grey-as-rgb.png")
    assert main(["evaluate", "bicubic", "--benchmarks", str(tmp_path), "--json", "--per-picture"]) == 0
    float_path, uint8_path = json.loads(capsys.readouterr().out)
    psnr = {picture["name"]: picture["psnr"] for picture in uint8_path["pictures"]}
    assert psnr["rgba"] == psnr["rgb"]
    assert psnr["gray"] == psnr["grey-as-rgb"]
    psnr = {picture["name"]: picture["psnr"] for picture in float_path["pictures"]}
    # Papers take a gray picture as its own Y, with all 255 levels; on the 219 of Y the same error is smaller.
    assert psnr["grey-as-rgb"] - psnr["gray"] == pytest.approx(20 * math.log10(255 / 219), abs=0.1)
    Image.fromarray(odd[:, :, 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    assert main(["evaluate", "bicubic", "--benchmarks", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "deep.png has more than 8 bits" in captured.err
    assert captured.out == ""


def test_a_run_that_is_not_trained_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("searched").mkdir()
    Path("searched/genotype.json").write_text("{}")
    assert main(["evaluate", "searched"]) == 2
    said = "searched: this run has a genotype and no weights; `hnas train searched` makes them"
    assert capsys.readouterr().err == f"hnas: error: {said}\n"
