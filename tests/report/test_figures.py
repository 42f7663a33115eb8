"""The figures are read back from matplotlib's own objects."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hnas.errors import HnasError
from hnas.report.figures import Comparison, Mark, _comparison_figure, _psnr_figure, psnr_against_macs, visual_comparison

#: Table II of the paper, x2 on Set5; the costs of the last three are the true ones (the printed ones beside them).
TABLE = [
    Mark("SRCNN", 52.7e9, 36.66),
    Mark("VDSR", 612.6e9, 37.53),
    Mark("DRCN", 17974e9, 37.63),
    Mark("DRRN", 6796e9, 37.74),
    Mark("SelNet", 225.7e9, 37.89),
    Mark("CARN", 222.8e9, 37.76),
    Mark("MoreMNAS-A", 238.6e9, 37.63),
    Mark("FALSR", 74.7e9, 37.61),
    Mark("HNAS-A", 357.3e9, 37.84, "ours", 30.6e9),
    Mark("HNAS-B", 490.7e9, 37.92, "ours", 48.2e9),
    Mark("HNAS-C", 904.6e9, 38.11, "ours", 83.6e9),
]


def labels(figure):
    figure.draw_without_rendering()
    return {text.get_text(): text for text in figure.axes[0].texts}


def test_labels_stand_apart_and_next_to_their_own_mark():
    figure = _psnr_figure(TABLE)
    axes = figure.axes[0]
    texts = labels(figure)
    boxes = {name: text.get_window_extent() for name, text in texts.items()}
    assert sorted(boxes) == sorted(mark.label for mark in TABLE)
    assert not [pair for pair in combinations(boxes.values(), 2) if pair[0].overlaps(pair[1])]
    assert not [name for name, box in boxes.items() if box.overlaps(axes.get_legend().get_window_extent())]
    points = {mark.label: axes.transData.transform((mark.macs, mark.psnr)) for mark in TABLE}
    for name, box in boxes.items():

        def distance(point, box=box):
            return np.hypot(*np.maximum(0, np.maximum(box.min - point, point - box.max)))

        assert min(points, key=lambda other: distance(points[other])) == name


def test_marks_stand_at_their_true_cost_and_join_the_printed_one():
    lines = _psnr_figure(TABLE).axes[0].lines
    filled = {
        tuple(map(float, line.get_xydata()[0]))
        for line in lines
        if line.get_markerfacecolor() not in ("white", "none") and line.get_marker() == "o"
    }
    assert filled == {(mark.macs, mark.psnr) for mark in TABLE if mark.kind == "ours"}
    joined = {tuple(line.get_xdata()) for line in lines if line.get_linestyle() == ":"}
    assert joined == {(mark.printed_macs, mark.macs) for mark in TABLE if mark.printed_macs}


@settings(deadline=None, max_examples=8)
@given(
    st.lists(
        st.tuples(st.floats(8, 13), st.floats(20, 45), st.text("abc-é$_", min_size=1, max_size=12)),
        min_size=1,
        max_size=12,
    )
)
def test_any_marks_give_a_figure(values):
    marks = [Mark(label, 10**power, psnr) for power, psnr, label in values]
    assert len(_psnr_figure(marks).axes[0].texts) == len(marks)


@pytest.mark.parametrize("name", ["figure.png", "figure.svg"])
def test_files(tmp_path, name):
    for attempt in ("first", "second"):
        (tmp_path / attempt).mkdir()
        psnr_against_macs(TABLE, tmp_path / attempt / name, title="Set5, ×2")
    data = (tmp_path / "first" / name).read_bytes()
    assert data == (tmp_path / "second" / name).read_bytes()
    if name.endswith("svg"):
        ElementTree.fromstring(data)
    else:
        assert Image.open(tmp_path / "first" / name).size == (1376, 864)


def test_mistakes(tmp_path):
    with pytest.raises(HnasError, match="one or more"):
        psnr_against_macs([], tmp_path / "x.png")
    with pytest.raises(HnasError, match="above 0"):
        psnr_against_macs([Mark("free", 0, 30)], tmp_path / "x.png")
    with pytest.raises(HnasError, match=r"\.png, \.svg or \.pdf"):
        psnr_against_macs(TABLE[:1], tmp_path / "x.jpg")
    hr = np.zeros((40, 50, 3), np.uint8)
    one = Comparison("a", hr, (0, 0, 20, 20), {"bicubic": (hr, 30.0)})
    with pytest.raises(HnasError, match="same versions"):
        visual_comparison([one, Comparison("b", hr, (0, 0, 20, 20), {"ours": (hr, 31.0)})], tmp_path / "x.png")
    with pytest.raises(HnasError, match="not inside 50x40"):
        visual_comparison([Comparison("a", hr, (31, 0, 20, 20), {"bicubic": (hr, 30.0)})], tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


def test_every_version_shows_the_same_detail(tmp_path):
    random = np.random.default_rng(0)
    hr, bicubic, ours = random.integers(0, 256, (3, 60, 80, 3), np.uint8)
    comparison = Comparison("zebra", hr, (30, 10, 16, 12), {"bicubic": (bicubic, 28.126), "ours": (ours, 29.5)})
    figure = _comparison_figure([comparison], ["bicubic", "ours"])
    captions = [axes.get_xlabel().strip() for axes in figure.axes]
    assert captions == ["zebra", "bicubic\n28.13 dB", "ours\n29.50 dB", "original"]
    for axes, picture in zip(figure.axes[1:], (bicubic, ours, hr), strict=True):
        assert np.array_equal(axes.images[0].get_array(), picture[10:22, 30:46])
    frame = figure.axes[0].patches[0]
    assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (30, 10, 16, 12)
    visual_comparison([comparison], tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size
