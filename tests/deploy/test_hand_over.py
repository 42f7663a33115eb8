"""The folder of a design: whole or not at all, and nothing else is ever replaced."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hnas.deploy.design import hand_over as module
from hnas.deploy.design.family import Candidate
from hnas.deploy.design.hand_over import FILES, check_free, hand_over
from hnas.deploy.export.card import CARD_FORMAT
from hnas.errors import HnasError
from tests.deploy.made_family import candidate


@pytest.fixture
def chosen(tmp_path: Path) -> Candidate:
    weights = tmp_path / "family" / "small.safetensors"
    weights.parent.mkdir()
    for path, text in ((weights, "weights"), (weights.with_suffix(".onnx"), "graph")):
        path.write_text(text, encoding="utf-8")
    card = {"format": CARD_FORMAT, "name": "small"}
    weights.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    made = candidate("small", 33.0)
    return Candidate(**{**made.__dict__, "weights": weights})


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_four_files_are_handed_over(chosen: Candidate, tmp_path: Path) -> None:
    folder = tmp_path / "designs" / "mine"
    hand_over(folder, chosen, {"measured_ms": 1.5}, "<p>page</p>")
    assert _names(folder) == sorted(FILES)
    assert (folder / "weights.safetensors").read_text() == "weights"
    assert (folder / "model.onnx").read_text() == "graph"
    assert (folder / "report.html").read_text() == "<p>page</p>"
    card = json.loads((folder / "card.json").read_text())
    assert card == {"format": CARD_FORMAT, "name": "small", "design": {"measured_ms": 1.5}}
    assert _names(folder.parent) == ["mine"]


def test_an_earlier_design_is_replaced_only_when_asked(chosen: Candidate, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    hand_over(folder, chosen, {}, "first")  # an empty folder is free
    with pytest.raises(HnasError, match="holds a design already; --overwrite replaces it"):
        hand_over(folder, chosen, {}, "second")
    assert (folder / "report.html").read_text() == "first"
    hand_over(folder, chosen, {}, "second", overwrite=True)
    assert (folder / "report.html").read_text() == "second"
    assert _names(tmp_path) == ["family", "mine"]


def test_what_is_no_design_is_never_replaced(chosen: Candidate, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(HnasError, match=r"holds thesis\.tex, which no design writes"):
        check_free(tmp_path / "mine", overwrite=True)
    (tmp_path / "file").touch()
    with pytest.raises(HnasError, match="no folder; name another one"):
        check_free(tmp_path / "file", overwrite=True)
    check_free(tmp_path / "new", overwrite=False)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_what_stops_in_between_leaves_what_was_there(
    stop: type[BaseException], chosen: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mine"
    hand_over(folder, chosen, {}, "first")
    written = module.write_atomically

    def fail(path: Path, data: bytes | str) -> None:
        if path.name == "card.json":
            raise stop
        written(path, data)

    monkeypatch.setattr(module, "write_atomically", fail)
    for overwrite, place in ((True, folder), (False, tmp_path / "other")):
        with pytest.raises((stop, HnasError)):
            hand_over(place, chosen, {}, "second", overwrite=overwrite)
    assert (folder / "report.html").read_text() == "first"
    assert _names(tmp_path) == ["family", "mine"]


def test_what_stops_between_the_two_renames_brings_the_old_one_back(
    chosen: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mine"
    hand_over(folder, chosen, {}, "first")

    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target == folder:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        hand_over(folder, chosen, {}, "second", overwrite=True)
    assert (folder / "report.html").read_text() == "first"
    assert _names(tmp_path) == ["family", "mine"]


def test_a_kill_leaves_no_half_of_a_design(chosen: Candidate, tmp_path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from hnas.deploy.design import hand_over as module
from hnas.deploy.design.family import Candidate
written = module.write_atomically
def die(path, data):
    if path.name == "card.json":
        os.kill(os.getpid(), signal.SIGKILL)
    written(path, data)
module.write_atomically = die
weights = Path({str(chosen.weights)!r})
one = Candidate("small", 2, 16, 4, 1, 1, 33.0, "Kodak24", {{}}, weights)
module.hand_over(Path({str(tmp_path / "mine")!r}), one, {{}}, "page")
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not (tmp_path / "mine").exists()
    hand_over(tmp_path / "mine", chosen, {}, "page")
    assert _names(tmp_path / "mine") == sorted(FILES)
