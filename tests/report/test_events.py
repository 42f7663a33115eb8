from __future__ import annotations

from pathlib import Path

import pytest

from hnas.report.events import event_writer, numbers


def test_numbers_of_a_line_by_name() -> None:
    line = {
        "phase": "search",
        "step": 3,
        "reward": 1.5,
        "entropy": {"normal": 2, "position": 0.5},
        "warnings": ["too little"],
        "best": {"psnr": 30.0},
    }
    assert dict(numbers(line)) == {"reward": 1.5, "entropy/normal": 2.0, "entropy/position": 0.5}


def test_events_are_written_and_no_folder_before_the_first(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    folder = tmp_path / "tensorboard"
    with event_writer(folder) as write:
        assert not folder.exists()
        write({"step": 1, "reward": 1.5})
    assert any(folder.iterdir())
