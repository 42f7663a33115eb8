"""A running app: its folder goes with it, however it ends, and what it remembers of people is bounded."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("gradio", reason="needs the extra app")

from hnas.bundled import bundled_models
from hnas.cli.main import main
from hnas.report.app import page
from hnas.report.app.enlarge import Enlarged
from tests.scripts import load_script

MODEL = "fast-x2"
PICTURE = np.random.default_rng(0).integers(256, size=(20, 30, 3), dtype=np.uint8)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`bench/memory_over_time.py`, which sends pictures as the page does."""
    return load_script("memory_over_time", monkeypatch)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("ends", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_its_folder_goes_with_it(ends: str, status: int, script: ModuleType, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hnas", "app", MODEL, "--port", str(free_port())],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        (folder,) = tmp_path.glob("hnas-app-*")
        assert script.enlarged(f"{address}gradio_api", script.event_of(address), PICTURE, MODEL, "one")
        assert len([path for path in folder.rglob("*") if path.is_file()]) > 3  # the upload and three results
        process.send_signal(getattr(signal, ends))
        _, said = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == status
    assert said == ("hnas: interrupted\n" if ends == "SIGINT" else "")
    assert not folder.exists()


def test_what_is_remembered_of_people_is_bounded(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_PEOPLE", 3)
    with page.serving({MODEL: bundled_models()[MODEL]}, port=free_port()) as address:
        event = script.event_of(address)
        for person in range(8):
            assert script.enlarged(f"{address}gradio_api", event, PICTURE, MODEL, f"person-{person}")
        gc.collect()
        remembered = sum(type(one) is Enlarged for one in gc.get_objects())
    assert 0 < remembered <= 4  # and that of the last event, until the next


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_closed_terminal_ends_it_and_under_nohup_does_not() -> None:
    code = (
        "import os, signal, sys; from hnas.cli.app import _goes_with_its_folder as goes\n"
        "signal.signal(signal.SIGHUP, getattr(signal, sys.argv[1])); goes('SIGHUP'); goes('SIGNONE')\n"
        "os.kill(os.getpid(), signal.SIGHUP)"
    )
    ended = {way: subprocess.run([sys.executable, "-c", code, way]).returncode for way in ("SIG_DFL", "SIG_IGN")}
    assert ended == {"SIG_DFL": 129, "SIG_IGN": 0}


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999999"])
def test_a_port_has_bounds(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["app", f"--port={port}"]) == 2
    assert capsys.readouterr().err == f"hnas: error: --port is {port}; allowed are 1 to 65535\n"
