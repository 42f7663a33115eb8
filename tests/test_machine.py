from __future__ import annotations

import psutil
import pytest

from hnas import machine


@pytest.mark.parametrize(
    ("load", "words"),
    [(0.0, ""), (2.0, ""), (2.1, "a load of 2.1 on 4 processors"), (9.26, "a load of 9.3 on 4 processors")],
)
def test_other_work_is_more_than_half_of_the_processors(
    load: float, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(machine, "most_threads", lambda: 4)
    assert machine.other_work() == words
