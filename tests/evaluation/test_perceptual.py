"""LPIPS: the package's own answer where it is here, a clear word where it or its weights are not."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch

from hnas.errors import HnasError
from hnas.evaluation.perceptual import lpips_distance


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(HnasError, match=r"pip install \"hnas-sr\[lpips\]\""):
        lpips_distance()


def test_with_a_torchvision_of_another_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lpips.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.delitem(sys.modules, "lpips", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(HnasError, match=f"fits this torch, {re.escape(torch.__version__)}"):
        lpips_distance()


def test_without_a_network_at_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(**settings: object) -> None:
        raise URLError("no route")

    monkeypatch.setitem(sys.modules, "lpips", SimpleNamespace(LPIPS=no_network))
    with pytest.raises(HnasError, match=r"alexnet-owt-7be5be79\.pth"):
        lpips_distance()


def test_pictures_are_given_as_the_package_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Extremes(torch.nn.Module):
        """Answers with the range of what it is given: LPIPS takes 1 x 3 x H x W in [-1, 1]."""

        def __init__(self, net: str, verbose: bool) -> None:
            super().__init__()
            assert net == "alex"

        def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
            assert sr.shape == hr.shape == (1, 3, 4, 5)
            return (10 * sr.min() + hr.max()).reshape(1, 1, 1, 1)

    monkeypatch.setitem(sys.modules, "lpips", SimpleNamespace(LPIPS=Extremes))
    black, white = np.zeros((4, 5, 3), np.uint8), np.full((4, 5, 3), 255, np.uint8)
    assert lpips_distance()(black, white) == pytest.approx(-10 + 1)
