"""The figure of Table II: marks where they belong, in a file of the kind asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hnas.errors import HnasError
from hnas.report import table_figure
from hnas.report.figures import Mark
from hnas.report.table_figure import draw_comparison
from hnas.zoo.comparison import ComparisonRow, Measured, systems

SYSTEMS = {system.name: system for system in systems()}


def _rows() -> list[ComparisonRow]:
    carn = ComparisonRow(SYSTEMS["CARN-M"], macs=91_200_000_000, measured={"Set5": Measured(37.68, 0.9594)})
    plain = ComparisonRow(
        SYSTEMS["Plain"],
        macs=26_500_000_000,
        weights="runs/plain/weights.safetensors",
        measured={"Set5": Measured(36.9, 0.955)},
    )
    return [
        ComparisonRow(SYSTEMS["Bicubic"]),
        carn,
        ComparisonRow(SYSTEMS["HNAS-A"], macs=357_300_000_000),
        plain,
    ]


def test_every_row_has_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Mark] = []
    monkeypatch.setattr(table_figure, "psnr_against_macs", lambda marks, *_, **__: drawn.extend(marks))
    draw_comparison(_rows(), tmp_path / "figure.svg")
    assert drawn == [
        Mark("CARN-M", 91.2e9, 37.53, "published"),
        Mark("", 91.2e9, 37.68, "measured"),
        # Only here is the printed cost another one.
        Mark("HNAS-A", 357.3e9, 37.84, "published", 30.6e9),
        Mark("Plain", 26.5e9, 36.9, "trained"),
    ]


def test_a_png_is_not_empty(tmp_path: Path) -> None:
    draw_comparison(_rows(), tmp_path / "figure.png")
    picture = np.asarray(Image.open(tmp_path / "figure.png").convert("L"))
    assert picture.shape[1] > 1000
    assert 0.005 < (picture < 128).mean() < 0.2


@pytest.mark.parametrize(
    ("name", "dataset", "message"),
    [("figure.gif", "Set5", r"written as \.png"), ("figure.png", "Set6", "nothing to draw")],
)
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, name: str, dataset: str, message: str) -> None:
    with pytest.raises(HnasError, match=message):
        draw_comparison(_rows(), tmp_path / name, dataset=dataset)
    assert not list(tmp_path.iterdir())
