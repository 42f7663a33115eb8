"""What every engine promises of independent pieces of work, and what is lost with a process."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from hnas.errors import HnasError
from hnas.workers import Engine, open_workers
from hnas.workers.local import LocalWorkers
from tests.workers import work


@pytest.mark.parametrize("processes", [1, 2])
def test_results_and_mistakes_come_out_of_the_futures(processes: int) -> None:
    with open_workers(Engine(processes=processes)) as workers:
        assert workers.slots == processes
        futures = [workers.submit(work.square, number) for number in range(6)]
        wrong = workers.submit(work.refuse, 3)
        assert [future.result() for future in futures] == [0, 1, 4, 9, 16, 25]
        with pytest.raises(HnasError, match=r"^number is 3; allowed is none$"):
            wrong.result()
        pids, threads = zip(*(workers.submit(work.threads, one).result() for one in range(2)), strict=True)
        assert (os.getpid() in pids) == workers.here == (processes == 1)
        if not workers.here:
            assert set(threads) == {1}


def test_work_that_was_lost_with_its_process_is_done_again_and_then_given_up(tmp_path: Path) -> None:
    with closing(LocalWorkers(1)) as workers:
        lost = workers.submit(work.die_once, str(tmp_path / "killed"), 7)
        others = [workers.submit(work.square, number) for number in range(8)]
        assert lost.result() == 7
        assert (tmp_path / "killed").exists()
        assert [future.result() for future in others] == [number**2 for number in range(8)]
        with pytest.raises(HnasError, match=r"killed 3 times, .* go on with --resume"):
            workers.submit(work.die, 0).result()


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ({"on": "cloud"}, "on is 'cloud'; allowed are local, ray and ray://HOST:10001"),
        ({"processes": 0}, "processes is 0; allowed is 1 and more"),
        ({"on": "ray", "processes": 2}, "processes is 2, which is for on local"),
    ],
)
def test_an_engine_that_does_not_exist_is_refused(engine: dict[str, object], message: str) -> None:
    with pytest.raises(HnasError, match=message):
        Engine(**engine)  # type: ignore[arg-type]
