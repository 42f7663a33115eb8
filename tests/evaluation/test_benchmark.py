"""Models and bicubic interpolation measured on pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from hnas.data.folders import Pair, load_pairs
from hnas.data.resize import imresize
from hnas.data.sample import HELD_OUT, sample_pictures
from hnas.errors import HnasError
from hnas.evaluation import metrics
from hnas.evaluation.benchmark import BicubicPath, PictureResult, bicubic_result, evaluate_model
from hnas.evaluation.self_ensemble import self_ensemble


class Nearest(nn.Module):
    """Repeats pixels, and adds a constant that takes the result out of [0, 1]."""

    def __init__(self, scale: int, add: float = 0.0) -> None:
        super().__init__()
        self.scale = scale
        self.add = add

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(x, scale_factor=self.scale) + self.add


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    pictures = sample_pictures()
    cropped = {name: pictures[name][:96, :120] for name in HELD_OUT}
    return [Pair(name, picture, imresize(picture, 1 / 2)) for name, picture in cropped.items()]


def test_a_model_is_judged_on_its_8_bit_output(pairs: list[Pair]) -> None:
    outputs: dict[str, np.ndarray] = {}
    result = evaluate_model(
        Nearest(2, add=0.3), pairs, scale=2, on_picture=lambda picture, sr: outputs.update({picture.name: sr})
    )
    assert [picture.name for picture in result.pictures] == list(HELD_OUT)
    for pair, picture in zip(pairs, result.pictures, strict=True):
        repeated = pair.lr.repeat(2, axis=0).repeat(2, axis=1)
        expected = np.minimum(repeated.astype(np.float32) + 0.3 * 255, 255).round().astype(np.uint8)
        assert np.abs(outputs[pair.name].astype(int) - expected).max() <= 1  # 0.3 * 255 = 76.5 lies on the edge
        assert picture.psnr == metrics.psnr_y(outputs[pair.name], pair.hr, 2)
        assert picture.ssim == metrics.ssim_y(outputs[pair.name], pair.hr, 2)
    assert result.psnr == pytest.approx(np.mean([picture.psnr for picture in result.pictures]))
    assert result.ssim == pytest.approx(np.mean([picture.ssim for picture in result.pictures]))
    assert result.psnr_x8 is None
    assert result.ssim_x8 is None
    assert result.lpips is None


def test_self_ensemble_stands_beside_the_single_pass(pairs: list[Pair]) -> None:
    # Repeating pixels commutes with flips and turns, so x8 changes nothing; a shifting model gains from it.
    same = evaluate_model(Nearest(2), pairs, scale=2, self_ensemble=True)
    assert same.psnr_x8 == pytest.approx(same.psnr)
    assert same.ssim_x8 == pytest.approx(same.ssim)

    class Shifted(Nearest):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).roll((1, 1), (2, 3))

    shifted = evaluate_model(Shifted(2), pairs, scale=2, self_ensemble=True)
    assert shifted.psnr == evaluate_model(Shifted(2), pairs, scale=2).psnr
    assert shifted.psnr_x8 is not None
    assert shifted.psnr_x8 > shifted.psnr + 1


def test_self_ensemble_is_the_mean_over_the_eight_symmetries() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2))
    x = torch.rand(2, 3, 5, 7)
    expected = []
    with torch.no_grad():
        for turns in range(4):
            for mirrored in (False, True):
                way = torch.rot90(x, turns, (2, 3))
                way = way.flip(3) if mirrored else way
                back = model(way)
                back = back.flip(3) if mirrored else back
                expected.append(torch.rot90(back, -turns, (2, 3)))
        torch.testing.assert_close(self_ensemble(model, x), torch.stack(expected).mean(0))


def test_the_mode_of_the_model_is_given_back(pairs: list[Pair]) -> None:
    model = Nearest(2).train()
    evaluate_model(model, pairs, scale=2)
    assert model.training


def test_a_distance_is_measured_on_the_single_pass(pairs: list[Pair]) -> None:
    result = evaluate_model(Nearest(2), pairs, scale=2, distance=lambda sr, hr: float(np.abs(sr - 1.0 * hr).mean()))
    expected = [np.abs(pair.lr.repeat(2, axis=0).repeat(2, axis=1) - 1.0 * pair.hr).mean() for pair in pairs]
    assert result.lpips == pytest.approx(np.mean(expected))


def test_what_cannot_be_measured(pairs: list[Pair]) -> None:
    small = Pair("small", pairs[0].hr[:14, :40], pairs[0].lr[:7, :20])
    with pytest.raises(HnasError, match=r"small has 40x14 pixels; at least 15"):
        bicubic_result([small], 2)
    with pytest.raises(HnasError, match="no pictures"):
        bicubic_result([], 2)
    with pytest.raises(HnasError, match="enlarges 3 times"):
        evaluate_model(Nearest(3), pairs, scale=2)
    with pytest.raises(HnasError, match=r"coffee: .*not finite"):
        evaluate_model(Nearest(2, add=float("nan")), pairs, scale=2)
    with pytest.raises(HnasError, match="coffee: the model gives the shape"):
        evaluate_model(nn.Identity(), pairs, scale=2)


def test_the_picture_that_is_saved_is_the_one_that_is_measured(pairs: list[Pair]) -> None:
    seen: list[tuple[PictureResult, np.ndarray]] = []
    result = bicubic_result(pairs, 2, on_picture=lambda picture, sr: seen.append((picture, sr)))
    assert tuple(picture for picture, _ in seen) == result.pictures
    for (picture, sr), pair in zip(seen, pairs, strict=True):
        assert picture.psnr == metrics.psnr_y(sr, pair.hr, 2)


#: Bicubic interpolation as papers print it (PSNR), such as table 2 of Kim et al., VDSR, 2016; Set14 at x2 is printed as
#: 30.23 and 30.24.
PUBLISHED: list[tuple[str, int, BicubicPath, float]] = [
    ("Set5", 2, "float", 33.66),
    ("Set5", 3, "float", 30.39),
    ("Set5", 4, "float", 28.42),
    ("Set14", 2, "float", 30.23),
    ("Set14", 3, "float", 27.54),
    ("Set14", 4, "float", 26.00),
    ("B100", 2, "float", 29.56),
    ("B100", 3, "float", 27.21),
    ("B100", 4, "float", 25.96),
    ("Set5", 2, "uint8", 33.67),
    ("Set14", 2, "uint8", 30.32),
]


@pytest.mark.parametrize(("name", "scale", "path", "psnr"), PUBLISHED)
def test_bicubic_reproduces_the_rows_of_papers(
    shared_data: Path, name: str, scale: int, path: BicubicPath, psnr: float
) -> None:
    result = bicubic_result(load_pairs(shared_data / "benchmark" / name, scale), scale, path)
    assert result.psnr == pytest.approx(psnr, abs=0.01)
