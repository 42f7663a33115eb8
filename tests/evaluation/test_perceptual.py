"""LPIPS: the package's own answer where it is here, a clear word where it or its weights are not."""

from __future__ import annotations

import re
import sys
from types import ModuleType, SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch

from hnas.errors import HnasError
from hnas.evaluation.perceptual import lpips_distance

MODULE = "torchmetrics.image.lpip"


def _answering(monkeypatch: pytest.MonkeyPatch, network: object) -> None:
    """Puts something else in the place of torchmetrics' network."""
    for name in ("torchmetrics", "torchmetrics.image"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, MODULE, SimpleNamespace(LearnedPerceptualImagePatchSimilarity=network))


def _failing(error: Exception) -> object:
    def fail(**settings: object) -> None:
        raise error

    return fail


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULE, None)
    with pytest.raises(HnasError, match=r"pip install 'hnas-sr\[lpips\]'"):
        lpips_distance()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModuleNotFoundError("LPIPS metric requires that torchvision is installed."), r"torchvision .*pip install"),
        (RuntimeError("operator torchvision::nms does not exist"), f"fits this torch, {re.escape(torch.__version__)}"),
        (URLError("no route"), r"alexnet-owt-7be5be79\.pth"),
    ],
)
def test_what_it_needs_is_named(monkeypatch: pytest.MonkeyPatch, error: Exception, message: str) -> None:
    _answering(monkeypatch, _failing(error))
    with pytest.raises(HnasError, match=message):
        lpips_distance()


def test_pictures_are_given_as_the_package_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Extremes(torch.nn.Module):
        """Answers with the range of what it is given: LPIPS takes 1 x 3 x H x W in [-1, 1]."""

        def __init__(self, net_type: str) -> None:
            super().__init__()
            assert net_type == "alex"

        def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
            assert sr.shape == hr.shape == (1, 3, 4, 5)
            return 10 * sr.min() + hr.max()

    _answering(monkeypatch, Extremes)
    black, white = np.zeros((4, 5, 3), np.uint8), np.full((4, 5, 3), 255, np.uint8)
    assert lpips_distance()(black, white) == pytest.approx(-10 + 1)
