"""The script for a few minutes on a GPU: whole, and rehearsed on the CPU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "bench" / "accelerator.sh"

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="no bash on this system")


def _run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": sys.executable, **environment}
    return subprocess.run(["bash", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_script_is_whole_and_says_how_it_is_used() -> None:
    assert _run("-n", str(SCRIPT)).returncode == 0
    asked = _run(str(SCRIPT), "--help")
    assert asked.returncode == 0
    for word in ("RUN_FOLDER", "--rehearse", "OUT", "DATA", "VAL", "TEACHER", "MINUTES", "PYTHON"):
        assert word in asked.stdout
    assert _run(str(SCRIPT), "--faster").returncode == 2


@pytest.mark.slow
def test_the_rehearsal_goes_on_where_it_stopped(tmp_path: Path) -> None:
    done = _run(str(SCRIPT), "--rehearse", OUT=str(tmp_path), OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"runs.tar", "bench.jsonl", "log.txt", "summary.txt"}
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 16 * 2**20
    summary = (tmp_path / "summary.txt").read_text()
    assert "failed" not in summary
    assert "out of time" not in summary
    assert "to 2000 (finished)" in summary
