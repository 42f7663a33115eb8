"""The pictures of a study, read back from matplotlib's own objects."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from PIL import Image

from hnas.report.study_figures import _fronts, _operations, _rewards, draw_study
from hnas.searching.strategies.registry import OWN


def study(*names: str) -> dict[str, Any]:
    one = {
        "reward": [(0.1, 0.01), (0.2, 0.02)],
        "rewards": [[0.09, 0.18], [0.11, 0.22]],
        "hypervolume": (0.3, 0.05),
        "fronts": [[(0.1, 0.5), (0.3, 1.0), (0.2, 1.5)], [(-0.1, 0.4), (0.2, 0.7)]],
        "entropy": {"normal": [3.0, 2.0], "position": [1.0, 0.9]},
        "operations": {"identity": 0.75, "rcab": 0.25, "area": 1.0},
    }
    return {
        "settings": {"space": "cells", "scorer": "short", "short_steps": 10, "alone_steps": 30},
        "evaluations": [10, 20],
        "strategies": {name: one if name == "controller" else {**one, "entropy": {}} for name in names},
        "tau": [0.5],
        "alone": [30.0, 31.0, 32.0],
        "scored_psnr": [[29.0, 29.5, 29.1]],
    }


def test_all_pictures_are_written_and_named(tmp_path):
    drawn = draw_study(study("controller", "random"), tmp_path)
    assert sorted(drawn) == sorted(path.name for path in tmp_path.iterdir())
    assert len(drawn) == 5
    for name in drawn:
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 300


@pytest.mark.parametrize(
    ("lacks", "name"), [("fronts", "study-fronts.png"), ("entropy", "study-entropy.png"), ("tau", "study-ranking.png")]
)
def test_what_a_study_lacks_is_left_out(tmp_path, lacks, name):
    value = study("controller", "random")
    value["tau"] = [] if lacks == "tau" else value["tau"]
    for one in value["strategies"].values():
        one[lacks] = {}
    assert name not in draw_study(value, tmp_path)
    assert not (tmp_path / name).exists()


def test_curves_carry_their_figures_apart_from_each_other():
    figure = _rewards(study(*OWN))
    figure.draw_without_rendering()
    texts = figure.axes[0].texts
    assert {text.get_text() for text in texts} == {f"{one.title}  0.2000 ± 0.0200" for one in OWN.values()}
    boxes = sorted((text.get_window_extent() for text in texts), key=lambda box: box.y0)
    assert all(lower.y1 < upper.y0 + 2 for lower, upper in pairwise(boxes))


def test_points_that_validation_showed_beaten_are_not_on_the_front():
    axes = _fronts(study("controller")).axes[0]
    drawn = [
        list(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in axes.lines if line.get_marker() == "o"
    ]
    assert drawn == [[(0.5, 0.1), (1.0, 0.3)], [(0.4, -0.1), (0.7, 0.2)]]


def test_bars_are_shares_of_the_edges():
    normal, upsampling = _operations(study("controller", "random")).axes
    widths = sorted(bar.get_width() for bar in normal.patches)
    assert widths == [25.0, 25.0, 75.0, 75.0]
    assert [label.get_text() for label in normal.get_yticklabels()] == ["identity", "RCAB"]
    assert [bar.get_width() for bar in upsampling.patches] == [100.0, 100.0]
