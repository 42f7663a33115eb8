"""The figure of Table II: marks where they belong, in a file of the kind asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hnas.errors import HnasError
from hnas.evaluation.comparison import ComparisonRow, Measured, systems
from hnas.report.table_figure import draw_comparison

SYSTEMS = {system.name: system for system in systems()}


def _rows() -> list[ComparisonRow]:
    carn = ComparisonRow(SYSTEMS["CARN-M"], macs=91_200_000_000, measured={"Set5": Measured(37.68, 0.9594)})
    return [
        ComparisonRow(SYSTEMS["Bicubic"]),
        carn,
        ComparisonRow(SYSTEMS["HNAS-A"], macs=357_300_000_000),
        ComparisonRow(SYSTEMS["Plain"], macs=26_500_000_000, measured={"Set5": Measured(36.9, 0.955)}),
    ]


def test_names_and_marks_are_in_the_figure(tmp_path: Path) -> None:
    draw_comparison(_rows(), tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text()
    for name in ("CARN-M", "HNAS-A", "Plain", "the cost as printed", "measured here"):
        assert re.search(rf"<!-- {re.escape(name)} -->", text), name
    assert "Bicubic" not in text


def test_a_png_is_not_empty(tmp_path: Path) -> None:
    draw_comparison(_rows(), tmp_path / "figure.png")
    picture = np.asarray(Image.open(tmp_path / "figure.png").convert("L"))
    assert picture.shape[1] > 1000
    assert 0.005 < (picture < 128).mean() < 0.2


def test_without_measurements_the_legend_does_not_speak_of_them(tmp_path: Path) -> None:
    draw_comparison([replace(row, measured=None) for row in _rows()], tmp_path / "figure.svg")
    assert "measured here" not in (tmp_path / "figure.svg").read_text()


@pytest.mark.parametrize(
    ("name", "dataset", "message"),
    [("figure.gif", "Set5", r"written as \.png"), ("figure.png", "Set6", "nothing to draw")],
)
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, name: str, dataset: str, message: str) -> None:
    with pytest.raises(HnasError, match=message):
        draw_comparison(_rows(), tmp_path / name, dataset=dataset)
    assert not list(tmp_path.iterdir())
