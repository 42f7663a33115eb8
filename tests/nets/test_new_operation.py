"""CONTRIBUTING's recipes, followed: one entry, and everything else follows from it."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.running.simplify import simplify
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.drawing.svg import genotype_svg
from hnas.nets import Cost, Network, NetworkOptions, NetworkSettings, model_cost, network_cost, network_of, plain_form
from hnas.nets.cell_parts import cell_parts
from hnas.nets.chain.blocks import convolution
from hnas.nets.global_mean import GlobalMean
from hnas.space.cells import (
    NORMAL_OPERATIONS,
    OPERATIONS,
    Cell,
    CellGenotype,
    CellSpace,
    Edge,
    Operation,
    OperationCost,
)
from hnas.space.chain import BLOCKS, Block, ChainGenotype, ChainSpace
from hnas.space.style import Style


class TwoBranches(nn.Module):
    """Trained as a 7x7 and a 1x1 convolution beside each other; run as one 7x7."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(channels, channels, 7, padding=3, bias=False)
        self.point = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        both: Tensor = self.wide(x) + self.point(x)
        return both

    def folded(self) -> nn.Module:
        conv = nn.Conv2d(self.wide.in_channels, self.wide.out_channels, 7, padding=3, bias=False)
        with torch.no_grad():
            conv.weight.copy_(self.wide.weight)
            conv.weight[:, :, 3:4, 3:4] += self.point.weight
        return conv


class Excitation(nn.Module):
    """Scales every channel by a function of its mean over the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mean = GlobalMean()
        self.scales = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        scaled: Tensor = x * torch.sigmoid(self.scales(self.mean(x)))
        return scaled


NEW = {
    "branches_7x7": Operation(
        build=lambda channels, enlarge, norm: TwoBranches(channels),
        cost=lambda channels, enlarge, norm: OperationCost(macs_per_pixel=49 * channels**2, params=50 * channels**2),
        radius=lambda enlarge: 3,
        style=Style("#123456", "branches", "7×7 and 1×1 beside each other"),
    ),
    "excitation": Operation(
        build=lambda channels, enlarge, norm: Excitation(channels),
        cost=lambda channels, enlarge, norm: OperationCost(macs_per_picture=channels**2, params=channels**2),
        radius=lambda enlarge: 0,
        style=Style("#654321", "excitation", "scales channels"),
        pools=True,
    ),
}


@pytest.fixture(params=NEW)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(OPERATIONS["normal"], request.param, NEW[request.param])
    return str(request.param)


def network(name: str, *, channels: int = 4) -> Network:
    normal = Cell("normal", ((Edge(name, -1), Edge("conv_3x3", -2)),))
    genotype = CellGenotype(3, 2, normal, Cell("upsampling", ((Edge("nearest", -1), Edge("bilinear", -2)),)))
    torch.manual_seed(0)
    return Network(genotype, NetworkSettings(channels=channels)).eval()


def test_the_papers_space_stays_what_it_is(name: str) -> None:
    assert name not in NORMAL_OPERATIONS
    space = CellSpace()
    assert name not in space.normal_operations
    assert not any(name in space.sample(Random(seed)).summary() for seed in range(20))
    chosen = CellSpace(layers=3, nodes=1, normal_operations=("identity", name))
    assert any(name in chosen.sample(Random(seed)).summary() for seed in range(20))


def test_it_is_drawn_with_its_own_colour_and_label(name: str) -> None:
    svg = genotype_svg(network(name).genotype)
    style = NEW[name].style
    assert f".g-{name}{{fill:{style.colour}}}" in svg
    assert f"{style.label}: {style.meaning}" in svg


def test_it_counts_as_what_is_run(name: str) -> None:
    model = network(name, channels=5)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        plain_form(model)(torch.zeros(1, 3, 7, 10))
    found = network_cost(model.genotype, model.settings, lr_size=(7, 10))
    assert found == model_cost(model, lr_size=(7, 10))
    params = sum(parameter.numel() for parameter in model.parameters())
    assert found == Cost(counter.get_total_flops() // 2, params)


def test_it_is_exported_in_its_plain_form(name: str) -> None:
    model, x = network(name), torch.rand(1, 3, 12, 10)
    for plain in (plain_form(model), simplify(model)):
        assert not any(isinstance(module, TwoBranches) for module in plain.modules())
        torch.testing.assert_close(plain(x), model(x), atol=1e-5, rtol=0)
    assert any(isinstance(module, TwoBranches | Excitation) for module in model.modules())


def test_tiles_follow_from_its_radius(name: str) -> None:
    model = network(name)
    # Stem 1, one cell at the small size, one at half a pixel a step, and the tail.
    reach = max(NEW[name].radius(1), 1)
    assert model.margins()[-1] == max(2, -(-(reach + 1) // 2))
    picture = np.random.default_rng(0).random((41, 38, 3)).astype(np.float32)
    backend = TorchBackend(model)
    assert bool(backend.pooled) == NEW[name].pools
    whole, tiled = (Upscaler(backend, tile=tile).upscale(picture) for tile in (0, 13))
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-3 if NEW[name].pools else 1e-5)


def test_it_is_a_part_of_latency_tables(name: str) -> None:
    """Three cells of one node, the middle one of which enlarges."""
    parts = cell_parts(network(name, channels=2).genotype)
    assert (parts[f"small/{name}"], parts[f"large/{name}"]) == (1, 1)


def test_a_new_block_of_chains(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(width: int) -> nn.Module:
        return nn.Sequential(*(layer for _ in range(3) for layer in (convolution(width, width), nn.ReLU())))

    monkeypatch.setitem(BLOCKS, "three_3x3", Block(build, 3, Style("#123456", "three", "three convolutions")))
    assert ChainSpace().blocks == ("conv_3x3",)
    genotype = ChainGenotype(4, ("three_3x3", "conv_3x3"), "luma", 1)
    model = network_of(genotype, NetworkOptions())
    assert model(torch.rand(1, 3, 5, 6)).shape == (1, 3, 10, 12)
    assert model_cost(model, lr_size=(6, 7)).params == sum(parameter.numel() for parameter in model.parameters())
    assert "three: three convolutions" in genotype_svg(genotype)


@pytest.mark.parametrize(("kind", "known"), [(kind, known) for kind, names in OPERATIONS.items() for known in names])
def test_what_pools_says_so(kind: str, known: str) -> None:
    """Tiles share the means of what says that it pools; all else is held to its radius by the tests of networks."""
    enlarge = 2 if kind == "upsampling" else 1
    module = OPERATIONS[kind][known].build(4, enlarge, "none")  # type: ignore[index]
    assert OPERATIONS[kind][known].pools == any(isinstance(part, GlobalMean) for part in module.modules())  # type: ignore[index]
