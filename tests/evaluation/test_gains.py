"""Gains over bicubic interpolation, by hand."""

from __future__ import annotations

import pytest

from hnas.evaluation.benchmark import BICUBIC_NAMES
from hnas.evaluation.gains import gains_over_bicubic


def row(model: str, psnr: float | None, dataset: str = "Set5", scale: int = 2) -> dict[str, object]:
    return {"model": model, "dataset": dataset, "scale": scale, "psnr": psnr}


def test_a_gain_is_over_the_same_set_at_the_same_scale():
    rows = [
        *(row("bicubic", 30.0), row("a", 31.5), row("a", 28.0, scale=4), row("bicubic", 27.5, scale=4)),
        *(row("a", 31.0, dataset="Set14"), row("copy", None)),
    ]
    assert gains_over_bicubic(rows) == [None, pytest.approx(1.5), pytest.approx(0.5), None, None, None]


def test_bicubic_rounded_otherwise_is_neither_reference_nor_ahead():
    other = next(name for kind, name in BICUBIC_NAMES.items() if kind != "uint8")
    rows = [row(other, 30.5), row(BICUBIC_NAMES["uint8"], 30.0), row("a", 31.0)]
    assert gains_over_bicubic(rows) == [None, None, pytest.approx(1.0)]
