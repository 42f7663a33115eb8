"""Rows as JSON values, CSV and Markdown."""

from __future__ import annotations

import json
import math

from hnas.evaluation.benchmark import BenchmarkResult, PictureResult
from hnas.evaluation.table import Row, as_cells, as_csv, as_markdown, as_objects

PLAIN = BenchmarkResult((PictureResult("a", 30.0, 0.9), PictureResult("b", 31.0, 0.8)))
ENSEMBLE = BenchmarkResult((PictureResult("a", 30.0, 0.9, 30.125, 0.91),))


def test_columns_that_nobody_asked_for_are_left_out() -> None:
    assert as_cells([Row("m", "s", 2, PLAIN)]) == (
        ["Model", "Dataset", "Scale", "PSNR", "SSIM"],
        [["m", "s", "x2", "30.50", "0.8500"]],
    )
    headings, lines = as_cells([Row("m", "s", 2, PLAIN), Row("n", "s", 2, ENSEMBLE)])
    assert headings[-2:] == ["PSNR x8", "SSIM x8"]
    assert lines[0][-2:] == ["", ""]
    assert lines[1][-2:] == ["30.12", "0.9100"]


def test_infinite_figures_are_null_in_json() -> None:
    exact = BenchmarkResult((PictureResult("a", math.inf, 1.0),))
    (row,) = as_objects([Row("m", "s", 2, exact)], per_picture=True)
    assert row["psnr"] is None
    assert row["pictures"] == [{"name": "a", "psnr": None, "ssim": 1.0}]
    json.dumps(row, allow_nan=False)


def test_names_with_separators_stay_in_their_cells() -> None:
    rows = [Row("a|b,c", "s", 2, PLAIN)]
    assert as_markdown(rows).splitlines()[2] == r"| a\|b,c | s | x2 | 30.50 | 0.8500 |"
    assert as_csv(rows).splitlines()[1] == '"a|b,c",s,,2,30.5,0.8500000000000001'
