"""Work on a Ray cluster: two nodes on this machine, one of which is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

import pytest

from hnas.errors import HnasError
from hnas.workers import Engine, open_workers
from tests.workers import work

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
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


def test_a_node_that_is_killed_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    with open_workers(Engine(on="ray")) as workers:
        assert workers.slots == 2
        with pytest.raises(HnasError, match=r"^number is 3; allowed is none$"):
            workers.submit(work.refuse, 3).result()
        doomed = cluster.add_node(num_cpus=2)
        futures = {workers.submit(work.slow_square, str(tmp_path), number): number for number in range(16)}
        next(as_completed(futures))
        os.kill(doomed.all_processes["raylet"][0].process.pid, signal.SIGKILL)
        assert [future.result() for future in futures] == [number**2 for number in range(16)]
    assert len(list(tmp_path.iterdir())) >= 16
