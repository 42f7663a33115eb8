"""The figure of networks by milliseconds is read back from matplotlib's own objects."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hnas.errors import HnasError
from hnas.report.latency_figure import _figure, draw_by_latency
from hnas.zoo.standing import TimedRow


def row(name: str, ms: float, psnr: float | None, *, ours: bool = False) -> TimedRow:
    return TimedRow(name, ours, "w", ms, 10**9, 10**4, {"Set5": psnr} if psnr is not None else {})


#: A crowd where published networks are, and ours among them.
ROWS = [
    row("ETDS-T", 13, 37.18),
    row("ESPCN (RGB)", 16, 36.85),
    row("ours-small", 18, 37.19, ours=True),
    row("ECBSR-M4C16", 19, 37.17),
    row("ABPN-M4C28", 30, 37.38),
    row("ETDS-S", 31, 37.39),
    row("ours-beaten", 35, 37.10, ours=True),
    row("ETDS-M", 44, 37.56),
    row("ours-large", 60, 37.60, ours=True),
    row("FSRCNN (RGB)", 70, 36.99),
    row("SMFANet+", 2000, 38.19),
]


def test_published_marks_are_open_and_ours_are_filled_and_joined() -> None:
    axes = _figure(ROWS, title="Set5, ×2", how="timed so").axes[0]
    dots = {
        line.get_markerfacecolor(): {tuple(map(float, point)) for point in line.get_xydata()}
        for line in axes.lines
        if line.get_marker() == "o"
    }
    assert dots.pop("white") == {(one.milliseconds, one.decibels) for one in ROWS if not one.ours}
    [filled] = dots.values()
    assert filled == {(18, 37.19), (35, 37.10), (60, 37.60)}
    joined = [line.get_xydata().tolist() for line in axes.lines if line.get_zorder() == 2]
    assert joined == [[[18, 37.19], [60, 37.60]]]  # not the one that a faster one beats
    assert axes.get_xscale() == "log"


def test_names_stand_apart_and_say_how_it_was_timed() -> None:
    figure = _figure(ROWS, title="Set5, ×2", how="onnxruntime, 2 threads")
    axes = figure.axes[0]
    figure.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert sorted(boxes) == sorted(one.name for one in ROWS)
    assert not [pair for pair in combinations(boxes.values(), 2) if pair[0].overlaps(pair[1])]
    legend = axes.get_legend().get_window_extent()
    assert not [name for name, box in boxes.items() if box.overlaps(legend)]
    assert not [
        one.name for one in ROWS if legend.contains(*axes.transData.transform((one.milliseconds, one.decibels)))
    ]
    assert figure.get_supxlabel() == "onnxruntime, 2 threads"


def test_one_network_alone_can_be_drawn(tmp_path: Path) -> None:
    draw_by_latency(ROWS[:1], tmp_path / "one.svg", title="", how="")
    draw_by_latency([ROWS[2], row("untested", 3, None)], tmp_path / "ours.pdf", title="", how="")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.svg", "ours.pdf"]


def test_a_png_is_not_empty(tmp_path: Path) -> None:
    draw_by_latency(ROWS, tmp_path / "figure.png", title="Set5", how="so")
    picture = np.asarray(Image.open(tmp_path / "figure.png").convert("L"))
    assert picture.shape[1] > 1000
    assert 0.005 < (picture < 128).mean() < 0.2


@pytest.mark.parametrize(
    ("rows", "name", "message"),
    [(ROWS, "figure.gif", r"written as \.png"), ([row("a", 1, None)], "figure.png", "nothing to draw")],
)
def test_what_cannot_be_drawn_is_refused(tmp_path: Path, rows: list[TimedRow], name: str, message: str) -> None:
    with pytest.raises(HnasError, match=message):
        draw_by_latency(rows, tmp_path / name, title="", how="")
    assert not list(tmp_path.iterdir())
