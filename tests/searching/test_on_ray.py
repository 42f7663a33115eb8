"""Work on a Ray cluster of several nodes on this machine: nodes and the process that asks are killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hnas.errors import HnasError
from hnas.run_files import SCORES
from hnas.searching.runs import search
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.searching.study.run import run_study
from hnas.training.settings import DeviceSettings
from hnas.workers import Engine, open_workers
from tests.workers import work

pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head without room for work, and a node with room for two pieces."""
    from ray.cluster_utils import Cluster

    roots = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, roots)))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    cluster.add_node(num_cpus=2)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    yield cluster
    cluster.shutdown()


def _wait_for(what: Callable[[], bool], seconds: float = 300.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_node_that_is_killed_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    with open_workers(Engine(on="ray")) as workers:
        assert workers.slots == 2
        with pytest.raises(HnasError, match=r"^number is 3; allowed is none$"):
            workers.submit(work.refuse, 3).result()
        doomed = cluster.add_node(num_cpus=2).all_processes["raylet"][0].process.pid
        futures = [workers.submit(work.slow_square, str(tmp_path), number) for number in range(40)]
        _wait_for(lambda: any(file.name.endswith(f"-{doomed}") for file in tmp_path.iterdir()))
        os.kill(doomed, signal.SIGKILL)
        assert [future.result() for future in futures] == [number**2 for number in range(40)]


def test_a_search_whose_process_is_killed_goes_on_and_finds_what_one_process_finds(
    cluster: Any, folders: tuple[Path, Path], tiny: SearchSettings, tmp_path: Path
) -> None:
    settings = replace(tiny, scorer="short", strategy="random", rounds=4, samples=3, lam=0.9, w_steps=0, warmup=0)
    here = tmp_path / "here"
    search(*folders, run_dir=here, settings=settings, devices=DeviceSettings(accelerator="cpu"))

    script = tmp_path / "search.py"
    script.write_text(SCRIPT)
    run = tmp_path / "on-ray"
    command = [sys.executable, str(script), *map(str, folders), str(run), json.dumps(repr(settings))]
    first = subprocess.Popen(command)
    _wait_for(lambda: (run / SCORES).is_dir() and len(list((run / SCORES).glob("*.json"))) >= 2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    known = {file.name: file.stat().st_mtime_ns for file in (run / SCORES).glob("*.json")}
    subprocess.run(command, check=True)
    assert all((run / SCORES / name).stat().st_mtime_ns == when for name, when in known.items())
    lines = [
        [json.loads(line) for line in (folder / "candidates.jsonl").read_text().splitlines()] for folder in (here, run)
    ]
    assert [line["genotype"] for line in lines[1]] == [line["genotype"] for line in lines[0]]
    np.testing.assert_allclose([line["psnr"] for line in lines[1]], [line["psnr"] for line in lines[0]], atol=0.01)


@pytest.mark.parametrize("scorer", ["short", "shared"])
def test_a_study_is_that_of_one_process(
    cluster: Any, folders: tuple[Path, Path], tiny: SearchSettings, tmp_path: Path, scorer: Any
) -> None:
    settings = replace(tiny, scorer=scorer, lam=0.9, warmup=2, rounds=2)
    study = StudySettings(strategies=("random", "evolution"), seeds=2, evaluations=10, alone=2, alone_steps=2)
    one, other = (
        run_study(*folders, run_dir=tmp_path / engine.on, settings=settings, study=study, engine=engine)
        for engine in (Engine(), Engine(on="ray"))
    )
    for name, found in one["strategies"].items():
        np.testing.assert_allclose(other["strategies"][name]["rewards"], found["rewards"], atol=0.01)
    np.testing.assert_allclose(other["alone"], one["alone"], atol=0.01)


SCRIPT = """
import json, sys
from hnas.searching.runs import search
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.searching.study.run import run_study
from hnas.training.settings import DeviceSettings
from hnas.workers import Engine
train, val, run, settings = sys.argv[1:]
search(
    train, val, run_dir=run, settings=eval(json.loads(settings)), resume=True,
    devices=DeviceSettings(accelerator="cpu"), engine=Engine(on="ray"),
)
"""
