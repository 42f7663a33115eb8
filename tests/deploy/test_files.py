"""Which files are enlarged, where results go, and what happens to bad ones."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hnas.deploy.enlarge.files import upscale_file, upscale_files
from hnas.deploy.enlarge.planning import Job, plan_jobs
from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.pictures.reading import open_picture
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.errors import HnasError
from tests.deploy.example import bicubic_network, bicubic_weights


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler(TorchBackend(bicubic_network()), tile=16)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bicubic_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """a.png, album/b.jpg, album/c.tif, album/deep/d.webp, and files that are no pictures."""
    folder = tmp_path / "photographs"
    random = np.random.default_rng(0)
    for name in ("a.png", "album/b.jpg", "album/c.tif", "album/deep/d.webp"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def _below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_keeps_its_structure(upscaler: Upscaler, photographs: Path, tmp_path: Path) -> None:
    outcomes = upscale_files(upscaler, plan_jobs([str(photographs)], tmp_path / "big").jobs)
    assert {outcome.status for outcome in outcomes} == {"done"}
    assert _below(tmp_path / "big") == {"a.png", "album/b.jpg", "album/c.tif", "album/deep/d.webp"}
    for name in _below(tmp_path / "big"):
        assert Image.open(tmp_path / "big" / name).size == (60, 40)


def test_results_inside_the_folder_are_not_enlarged_again(upscaler: Upscaler, photographs: Path) -> None:
    target = photographs / "big"
    for _ in range(2):
        outcomes = upscale_files(upscaler, plan_jobs([str(photographs)], target).jobs)
        assert len(outcomes) == 4


def test_patterns_suffix_and_extension(photographs: Path, tmp_path: Path) -> None:
    jobs = plan_jobs([str(photographs / "**/*.*")], tmp_path, suffix="out", extension="png").jobs
    assert {job.target.name for job in jobs} == {"a_out.png", "b_out.png", "c_out.png", "d_out.png"}
    assert {job.format.name for job in jobs} == {"PNG"}


def test_one_file_to_one_file_or_into_a_folder(photographs: Path, tmp_path: Path) -> None:
    source = str(photographs / "a.png")
    assert plan_jobs([source], tmp_path / "b.jpg").jobs == (Job(photographs / "a.png", tmp_path / "b.jpg"),)
    assert plan_jobs([source], tmp_path / "folder").jobs == (Job(photographs / "a.png", tmp_path / "folder" / "a.png"),)
    (tmp_path / "dotted.name").mkdir()
    assert plan_jobs([source], tmp_path / "dotted.name").jobs[0].target == tmp_path / "dotted.name" / "a.png"


@pytest.mark.parametrize(
    ("inputs", "output", "extension", "message"),
    [
        (["none.png"], "out", "auto", "none.png: no such file or folder"),
        (["none*.png"], "out", "auto", "none*.png: no picture matches this pattern"),
        (["empty"], "out", "auto", "empty: no pictures in this folder; allowed are .png, .apng"),
        (["photographs"], "photographs", "auto", "the result would replace it; choose another output, or a --suffix"),
        (["photographs/a.png"], "x.heic", "auto", "cannot write .heic; allowed are .png"),
        (["photographs/a.png"], "out", "heic", "cannot write .heic; allowed are .png"),
        (["photographs"], "taken", "auto", "taken is a file, or named like one; a folder or several"),
        (["photographs"], "one.png", "auto", "one.png is a file, or named like one; a folder or several"),
        (
            ["photographs/a.png"],
            "large.jgp",
            "auto",
            "large.jgp: pictures do not end in .jgp; write .jpg, or large.jgp/",
        ),
        (["photographs", "more"], "out", "auto", "would both become out/a.png"),
    ],
)
def test_mistakes_are_named(
    photographs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    inputs: list[str],
    output: str,
    extension: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("taken").write_bytes(b"")
    Path("more").mkdir()
    Path("more/a.png").write_bytes((photographs / "a.png").read_bytes())
    with pytest.raises(HnasError) as error:
        plan_jobs(inputs, Path(output), extension=extension)
    assert message in str(error.value)


def test_a_bad_file_does_not_stop_the_others(upscaler: Upscaler, photographs: Path, tmp_path: Path) -> None:
    (photographs / "album" / "bad.png").write_bytes((photographs / "a.png").read_bytes()[:200])
    outcomes = upscale_files(upscaler, plan_jobs([str(photographs)], tmp_path / "big").jobs)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    assert [outcome.job.source.name for outcome in failed] == ["bad.png"]
    assert "bad.png: damaged or truncated" in failed[0].error
    assert len(_below(tmp_path / "big")) == 4  # the good ones, and nothing half-written


def test_existing_results_are_skipped(upscaler: Upscaler, photographs: Path, tmp_path: Path) -> None:
    jobs = plan_jobs([str(photographs)], tmp_path / "big").jobs
    upscale_files(upscaler, jobs[:1])
    outcomes = upscale_files(upscaler, jobs, skip_existing=True)
    assert [outcome.status for outcome in outcomes] == ["skipped", "done", "done", "done"]


def test_a_full_disk_stops_the_work(
    upscaler: Upscaler, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hnas.deploy.enlarge.files.save_picture", full)
    outcomes = upscale_files(upscaler, plan_jobs([str(photographs)], tmp_path / "big").jobs)
    assert [outcome.status for outcome in outcomes] == ["failed"]
    assert "No space left on device" in outcomes[0].error
    assert not _below(tmp_path / "big")


def test_the_result_is_bicubic(upscaler: Upscaler, photographs: Path, tmp_path: Path) -> None:
    """End to end against torch's own bicubic, through a JPEG in and a PNG out."""
    import torch
    from torch.nn import functional as F

    source = photographs / "album" / "b.jpg"
    upscale_file(upscaler, Job(source, tmp_path / "b.png"))
    x = torch.from_numpy(np.asarray(Image.open(source)).copy()).permute(2, 0, 1)[None] / 255
    expected = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False).clamp(0, 1)[0].permute(1, 2, 0)
    np.testing.assert_allclose(open_picture(tmp_path / "b.png").pixels, expected.numpy() * 255, atol=0.51)


def _run(*arguments: object) -> int:
    from hnas.cli.main import main

    return main(["upscale", *map(str, arguments)])


def test_command_with_one_bad_file(
    photographs: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photographs / "album" / "bad.png").write_bytes(b"")
    assert _run(photographs, "-o", tmp_path / "big", "-m", weights, "-t", 16) == 1
    captured = capsys.readouterr()
    assert "bad.png: the file is empty" in captured.err
    assert "5 pictures: 4 done, 1 failed" in captured.err
    assert captured.out == ""
    assert len(_below(tmp_path / "big")) == 4


def test_command_with_the_flags_of_real_esrgan(photographs: Path, weights: Path, tmp_path: Path) -> None:
    flags = ["-i", photographs, "-o", tmp_path / "big", "-n", weights, "-s", 2, "-t", 16, "--tile_pad", 10]
    assert _run(*flags, "--suffix", "out", "--ext", "png") == 0
    assert _below(tmp_path / "big") == {"a_out.png", "album/b_out.png", "album/c_out.png", "album/deep/d_out.png"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", "-o", "b.png", "-s", "3"], "enlarges 2 times; leave --scale 3 out"),
        (["a.png", "-o", "b.png", "-t", "-1"], "--tile is -1; allowed are 0 to"),
        (["a.png", "-o", "b.png", "--quality", "0"], "--quality is 0; allowed are 1 to 100"),
        (
            ["a.png", "-o", "b.png", "--device", "qpu"],
            "the device 'qpu' cannot be used (torch knows none of that name, such as cuda, cuda:1 or mps)",
        ),
        (["a.png", "-", "-o", "b.png"], "- stands for one picture"),
        (["-o", "b.png"], "no pictures are named"),
        (["bad.png", "-o", "b.png"], "bad.png: not a picture"),
        (["bad.mp4", "-o", "b.png"], "JXL files; `hnas video` enlarges films"),
    ],
)
def test_mistakes_end_with_2_and_one_line(
    photographs: Path,
    weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(photographs)
    Path("bad.png").write_text("text")
    Path("bad.mp4").write_text("text")
    assert _run(*arguments, "-m", weights) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("b.png").exists()


def test_standard_input_and_output(photographs: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream(io.TextIOWrapper):
        pass

    monkeypatch.setattr("sys.stdin", Stream(io.BytesIO((photographs / "a.png").read_bytes())))
    output = io.BytesIO()
    monkeypatch.setattr("sys.stdout", Stream(output))
    assert _run("-", "-o", "-", "-m", weights, "--ext", "webp") == 0
    image = Image.open(io.BytesIO(output.getvalue()))
    assert (image.format, image.size) == ("WEBP", (60, 40))
