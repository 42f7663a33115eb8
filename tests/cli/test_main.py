"""How commands end: status, and one line on stderr for a person's mistake."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hnas import __version__
from hnas.cli import show as show_module
from hnas.cli.main import COMMANDS, RESUMABLE, main
from hnas.errors import HnasError
from hnas.searching.settings import SearchSettings
from hnas.settings import load_settings, read_config
from hnas.values import as_yaml


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"hnas {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["shoe"], 'Did you mean "show"'),
        (["show"], "GENOTYPE is missing; see hnas show --help"),
        (["search"], "--data is missing; see hnas search --help"),
        (["show", "HNAS-A", "-o"], "-o requires an argument"),
        (["show", "HNAS-A", "--colour"], "--colour"),
        (["show", "HNAS-A", "--scale", "two"], "two"),
        (["show", "HNAS-A", "--scale", "2.5"], "2.5"),
        (["show", "HNAS-Z"], "HNAS-Z"),
        (["study", "--data", "a", "--run-dir", "b", "--strategies", "random", "luck"], "luck"),
        (["show", "HNAS-A", "-o", "cell.gif"], "cell.gif"),
        (["show", "HNAS-A", "-o", "no/such/folder/cell.svg"], "No such file"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("hnas: error: ")
    assert captured.err.count("\n") == 1
    assert named in captured.err


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 2, "the memory is not enough (no more was given)"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."), 2, "8 bytes)"),
        (OSError(errno.ENOSPC, "No space left on device", "out.png"), 2, "out.png: No space left on device"),
    ],
)
def test_what_is_no_bug_gives_no_traceback(
    raised: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stop(*_: object) -> None:
        raise raised

    monkeypatch.setattr(show_module, "load_genotype", stop)
    assert main(["show", "HNAS-A"]) == status
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_every_command_that_can_go_on_says_so_when_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    resumable = []
    for name in COMMANDS:
        main([name, "--help"])
        if "--resume " in capsys.readouterr().out:
            resumable.append(name)
    assert sorted(resumable) == sorted(RESUMABLE)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hnas.training.train_network.train_network", stop)
    assert main(["train", "HNAS-A", "--data", "pictures", "--run-dir", "run"]) == 130
    assert "hnas: interrupted; the same command with --resume goes on\n" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "hnas", "show", "HNAS-A"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""


def test_a_full_disk_is_said_in_one_line() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    with full.open("w") as device:
        done = subprocess.run(
            [sys.executable, "-m", "hnas", "show", "HNAS-A"],
            stdout=device,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "hnas: error: No space left on device\n"


def test_an_unknown_setting_in_a_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("search: {layerz: 3}")
    assert main(["search", "--data", "nowhere", "--run-dir", str(tmp_path / "run"), "--config", str(path)]) == 2
    error = capsys.readouterr().err
    assert f"{path}: unknown setting layerz; allowed are " in error
    assert " layers," in error


def test_flags_override_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("layers: 0")
    arguments = ["search", "--data", "nowhere", "--run-dir", str(tmp_path / "run"), "--config", str(path)]
    assert main(arguments) == 2
    assert "layers is 0" in capsys.readouterr().err
    assert main([*arguments, "--layers", "3"]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("space", ["cells", "chain"])
def test_a_file_fills_the_settings_of_a_command_as_python_reads_it(
    space: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the type of a setting: numbers, choices, lists, texts."""
    values = {
        **read_config("cpu", "search", space=space),
        "shrunk": [0.7, 0.5],
        "lam": "0.2..0.8",
        "teacher": "best-x2",
    }
    path = tmp_path / "mine.yaml"
    path.write_text(as_yaml(values))
    given: dict[str, object] = {}

    def search(*_: object, **arguments: object) -> None:
        given.update(arguments)
        raise HnasError("so far")

    monkeypatch.setattr("hnas.searching.runs.search", search)
    arguments = ["search", "--data", "a", "--run-dir", str(tmp_path / "run"), "--config", str(path)]
    assert main([*arguments, "--seed", "3"]) == 2
    assert given["settings"] == replace(load_settings(SearchSettings, values), seed=3)


def test_the_shell_is_taught(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "hnas", "--install-completion", "--shell", "bash"]
    home = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    subprocess.run(words, env=home, check=True, capture_output=True)
    script = next(path for path in tmp_path.rglob("hnas") if path.is_file())
    asked = f"source {script}; COMP_WORDS=(hnas up); COMP_CWORD=1; COMP_LINE='hnas up'; COMP_POINT=7; "
    asked += "$(complete -p hnas | sed 's/.*-F //; s/ .*//'); echo ${COMPREPLY[@]}"
    done = subprocess.run(["bash", "-c", asked], env=home, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["upscale"]
