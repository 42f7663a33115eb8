"""Somebody's network in tiles: it says how far it looks and what it averages, and nothing else is asked of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.running.probing import footprint_of
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.nets.global_mean import GlobalMean, global_means
from hnas.nets.operations import ResidualChannelAttention


class Excited(nn.Module):
    """Scales its features by their mean over the picture."""

    scale = 2

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.mean = GlobalMean()
        self.scales = nn.Conv2d(8, 8, 1)
        self.last = nn.Conv2d(8, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        features = F.relu(self.first(x))
        return F.pixel_shuffle(self.last(features * self.scales(self.mean(features)).sigmoid()), 2)

    def margins(self) -> list[int]:
        return [2]

    @property
    def pools(self) -> list[tuple[GlobalMean, int]]:
        return [(mean, 0) for mean in global_means(self)]


class ExcitedAlone(Excited):
    """The same without a word on what it averages."""

    pools = ()  # type: ignore[assignment]


class Silent(nn.Module):
    """It averages too, and does not say so, nor how far it looks; it may have a block of ours."""

    scale = 2

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.block = block
        self.last = nn.Conv2d(8, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        features = self.block(F.relu(self.first(x)))
        return F.pixel_shuffle(self.last(features * features.mean((2, 3), keepdim=True).sigmoid()), 2)


@pytest.mark.parametrize("ours", [False, True])
def test_a_network_that_does_not_say_how_far_it_looks_is_never_tiled(ours: bool) -> None:
    torch.manual_seed(0)
    model = Silent(ResidualChannelAttention(8) if ours else nn.Identity()).eval()
    assert not TorchBackend(model).can_tile
    assert not footprint_of(model).can_tile
    assert differences(model) == 0


def differences(model: nn.Module) -> float:
    picture = np.random.default_rng(0).random((37, 50, 3)).astype(np.float32)
    picture *= np.linspace(0, 1, 50, dtype=np.float32)[:, None]  # means differ from tile to tile
    backend = TorchBackend(model.eval())
    whole, tiled = (Upscaler(backend, tile=tile).upscale(picture) for tile in (0, 16))
    return float(np.abs(whole - tiled).max())


def test_what_it_averages_is_taken_from_the_whole_picture() -> None:
    torch.manual_seed(0)
    model = Excited()
    assert differences(model) < 1e-5
    alone = ExcitedAlone()
    alone.load_state_dict(model.state_dict())
    assert differences(alone) > 1e-4  # so the test would see it


def test_a_runtime_that_cannot_share_means_runs_it_whole() -> None:
    assert not footprint_of(Excited().eval()).can_tile
    assert footprint_of(ExcitedAlone().eval()).can_tile
