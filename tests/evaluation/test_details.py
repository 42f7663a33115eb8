"""The same detail by several models: measured as benchmarks are, cut where the models differ."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hnas.cli.main import main
from hnas.data.folders import Pair
from hnas.data.resize import imresize
from hnas.errors import HnasError
from hnas.evaluation.benchmark import bicubic_result
from hnas.evaluation.details import compare_details


class Brighter(nn.Module):
    """Nearest enlargement, with one bright square that no other model has."""

    scale = 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.interpolate(x, scale_factor=2, mode="nearest").clone()
        y[..., 20:30, 60:70] = 1.0
        return y


@pytest.fixture
def pair() -> Pair:
    hr = np.random.default_rng(0).integers(60, 120, (80, 100, 3), np.uint8)
    hr = imresize(imresize(hr, 0.25), 4.0)  # smooth, so that the models differ little elsewhere
    return Pair("noise", hr, imresize(hr, 0.5))


def test_detail_is_cut_where_models_differ_and_figures_are_the_benchmarks(pair):
    (drawn,) = compare_details({"bicubic": None, "bright": Brighter()}, [pair], scale=2, detail=24)
    left, top, width, height = drawn.detail
    assert (width, height) == (24, 24)
    assert left <= 60
    assert left + width >= 70
    assert top <= 20
    assert top + height >= 30
    assert drawn.versions["bicubic"][1] == bicubic_result([pair], 2, "uint8").psnr
    assert drawn.versions["bright"][0][25, 65].tolist() == [255, 255, 255]


@pytest.mark.parametrize("detail", [1, 80])
def test_details_of_any_size_lie_inside(pair, detail):
    (drawn,) = compare_details({"bicubic": None}, [pair], scale=2, detail=detail)
    left, top, width, height = drawn.detail
    assert min(left, top) >= 0
    assert left + width <= 100
    assert top + height <= 80


def test_a_picture_smaller_than_the_detail_is_named(pair):
    with pytest.raises(HnasError, match="noise: 100x80"):
        compare_details({"bicubic": None}, [pair], scale=2, detail=81)


def test_command(tmp_path, capsys):
    path = tmp_path / "look.svg"
    assert main(["look", "bicubic", "--pictures", "chelsea", "-o", str(path)]) == 0
    # Y PSNR of MATLAB's bicubic at x2, as `hnas evaluate bicubic` prints it for this picture.
    assert capsys.readouterr().out.strip() == "chelsea: bicubic 35.25 dB"
    assert path.exists()
    assert main(["look", "bicubic", "--pictures", "zebra", "-o", str(path)]) == 2
    assert "there are coffee, chelsea" in capsys.readouterr().err
