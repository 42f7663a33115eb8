"""CONTRIBUTING's recipes, followed: one entry, and everything else follows from it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
import torch
from torch import Tensor, nn

from hnas.conformance import OPERATION_PROMISES
from hnas.deploy.running.simplify import simplify
from hnas.drawing.svg import genotype_svg
from hnas.nets import Network, NetworkOptions, NetworkSettings, model_cost, network_of, plain_form
from hnas.nets.cell_parts import cell_parts
from hnas.nets.chain.blocks import convolution
from hnas.nets.global_mean import GlobalMean
from hnas.space.cells import (
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


@pytest.mark.parametrize("promise", OPERATION_PROMISES)
def test_it_keeps_the_promises_of_every_operation(promise: Callable[[str], None], name: str) -> None:
    promise(name)


def network(name: str, *, channels: int = 4) -> Network:
    normal = Cell("normal", ((Edge(name, -1), Edge("conv_3x3", -2)),))
    genotype = CellGenotype(3, 2, normal, Cell("upsampling", ((Edge("nearest", -1), Edge("bilinear", -2)),)))
    torch.manual_seed(0)
    return Network(genotype, NetworkSettings(channels=channels)).eval()


def test_a_search_has_it_where_it_is_named(name: str) -> None:
    assert name not in CellSpace().normal_operations
    chosen = CellSpace(layers=3, nodes=1, normal_operations=("identity", name))
    assert any(name in chosen.sample(Random(seed)).summary() for seed in range(20))


def test_it_is_exported_in_its_plain_form(name: str) -> None:
    model, x = network(name), torch.rand(1, 3, 12, 10)
    for plain in (plain_form(model), simplify(model)):
        assert not any(isinstance(module, TwoBranches) for module in plain.modules())
        torch.testing.assert_close(plain(x), model(x), atol=1e-5, rtol=0)
    assert any(isinstance(module, TwoBranches | Excitation) for module in model.modules())


def test_margins_follow_from_its_radius(name: str) -> None:
    """Stem 1, one cell at the small size, one at half a pixel a step, and the tail."""
    reach = max(NEW[name].radius(1), 1)
    assert network(name).margins()[-1] == max(2, -(-(reach + 1) // 2))


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
