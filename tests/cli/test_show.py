from __future__ import annotations

import json
from pathlib import Path

import pytest

from hnas.cli.main import main
from hnas.space.cells import NAMED_GENOTYPES, CellGenotype


def test_text_names_position_and_every_edge(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "hnas-a"]) == 0
    text = capsys.readouterr().out
    assert "9 before the upsampling cell, 2 after it" in text
    assert "node 3 = dil_conv_5x5(-1) + sep_conv_3x3(2)" in text
    assert "node 1 = area(-1) + deconvolution(-2)" in text


def test_json_can_be_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "HNAS-B", "--json"]) == 0
    text = capsys.readouterr().out
    assert CellGenotype.from_dict(json.loads(text)) == NAMED_GENOTYPES["HNAS-B"]
    (tmp_path / "genotype.json").write_text(text)
    assert main(["show", str(tmp_path), "--json"]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(("name", "begin"), [("cell.svg", b"<svg"), ("cell.png", b"\x89PNG")])
def test_a_drawing_is_written(name: str, begin: bytes, tmp_path: Path) -> None:
    assert main(["show", "HNAS-C", "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_bytes().startswith(begin)
