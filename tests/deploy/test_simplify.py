"""The simplified graph computes the same, with what can be merged merged."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from hnas import nets
from hnas.deploy.running.simplify import largest_difference, simplify
from hnas.nets.narrow import Conv3x3
from hnas.nets.peers import build_peer
from hnas.space import cells
from hnas.space.cells import NAMED_GENOTYPES, Cell, CellGenotype, Edge


def _network(normal: str, upsampling: str, **settings: object) -> nets.Network:
    def cell(kind: cells.CellKind, name: str) -> Cell:
        return Cell(kind, ((Edge(name, -1), Edge(name, -1)), (Edge(name, 0), Edge(name, -2))))

    torch.manual_seed(0)
    genotype = CellGenotype(3, 2, cell("normal", normal), cell("upsampling", upsampling))
    network = nets.Network(genotype, nets.NetworkSettings(channels=4, **settings)).eval()  # type: ignore[arg-type]
    for parameter in network.parameters():
        parameter.data.normal_(0, 0.3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return network


def _count(model: nn.Module) -> Counter[str]:
    assert isinstance(model, fx.GraphModule)
    return Counter(
        _kind(model.get_submodule(str(node.target))) if node.op == "call_module" else str(node.target)
        for node in model.graph.nodes
    )


def _kind(module: nn.Module) -> str:
    return "Conv2d" if isinstance(module, Conv3x3) else type(module).__name__


OPERATIONS = [(name, "area") for name in cells.NORMAL_OPERATIONS] + [
    ("identity", name) for name in cells.UPSAMPLING_OPERATIONS
]


@pytest.mark.parametrize(("normal", "upsampling"), OPERATIONS)
@pytest.mark.parametrize(("norm", "scale"), [("none", 3), ("batch", 2)])
def test_every_operation_computes_the_same(normal: str, upsampling: str, norm: str, scale: int) -> None:
    network = _network(normal, upsampling, norm=norm, scale=scale, cell_skip=0.3)
    with torch.inference_mode():
        large = network(torch.rand(1, 3, 9, 12)).abs().max().item()
    simplified = simplify(network)
    assert isinstance(simplified, fx.GraphModule)
    assert largest_difference(network, simplified, [(9, 12), (8, 8)]) < 1e-5 * max(1, large)
    assert simplified.scale == scale


def test_equal_edges_are_merged_and_parallel_convolutions_joined() -> None:
    network = _network("identity", "bilinear", scale=2)
    before = sum(isinstance(module, nn.Conv2d) for module in network.modules())
    count = _count(simplify(network))
    # Stem and tail; cells 1, 2 and 3 take two inputs each. The stem feeds cell 1 twice and cell 2 once: one
    # convolution; cell 1 feeds cell 2 once: another; cell 2 feeds both inputs of cell 3: a third.
    assert before == 2 + 6
    assert count["Conv2d"] == 2 + 3 + 1  # the last is the bicubic skip's
    # bilinear -1 twice becomes one; that on -2 is another.
    assert sum(number for name, number in count.items() if "interpolate" in name) == 2
    assert count["Identity"] == 0


def test_sums_of_convolutions_become_one() -> None:
    """`sub_pixel -1, sub_pixel -1` is one convolution with the sum of the weights."""
    network = _network("identity", "sub_pixel", scale=2)
    count = _count(simplify(network))
    three_by_three = 2 + 1 + 1  # stem, tail, the joined one, and the one on -2
    bicubic_skip = 1
    assert count["Conv2d"] == three_by_three + 3 + bicubic_skip
    assert count["PixelShuffle"] == 2 + bicubic_skip


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_bicubic_skip_is_a_convolution(scale: int) -> None:
    """The same in the smallest pictures too, where every pixel is at the edge."""
    network = _network("identity", "nearest", scale=scale)
    network.tail.weight.data.zero_()
    simplified = simplify(network)
    assert isinstance(simplified, fx.GraphModule)
    assert "bicubic" not in [node.kwargs.get("mode") for node in simplified.graph.nodes]
    for size in ((1, 1), (2, 5), (40, 31)):
        picture = torch.rand(2, 3, *size)
        wanted = F.interpolate(picture.double(), scale_factor=scale, mode="bicubic", align_corners=False)
        with torch.inference_mode():
            torch.testing.assert_close(simplified(picture).double(), wanted, rtol=0, atol=1e-5)
    kept = simplify(network, convolve_bicubic=False)
    assert isinstance(kept, fx.GraphModule)
    assert [node.kwargs["mode"] for node in kept.graph.nodes if node.target is F.interpolate].count("bicubic") == 1


def test_a_bicubic_skip_goes_through_the_shuffle_of_what_is_added() -> None:
    """`shuffle(a) + bicubic(x)` has one shuffle: that of a sum."""
    network = build_peer({"architecture": "plain", "scale": 2, "channels": 4, "depth": 1}).eval()
    simplified = simplify(network)
    assert _count(simplified)["PixelShuffle"] == 1
    assert largest_difference(network, simplified, [(9, 12), (3, 2)]) < 1e-5


def test_normalisation_is_folded() -> None:
    count = _count(simplify(_network("sep_conv_3x3", "area", norm="batch")))
    assert count["BatchNorm2d"] == 0


def test_the_model_itself_is_untouched() -> None:
    network = _network("sep_conv_3x3", "sub_pixel")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    simplify(network)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_papers_network_gets_smaller() -> None:
    network = nets.Network(NAMED_GENOTYPES["HNAS-A"], nets.NetworkSettings(channels=2, cell_skip=0.3)).eval()
    simplified = simplify(network)
    convolutions = sum(isinstance(module, nn.Conv2d) for module in network.modules())
    assert _count(simplified)["Conv2d"] < convolutions - 10
    assert largest_difference(network, simplified, [(8, 8)]) < 1e-5


def test_what_cannot_be_traced_is_left_as_it_is() -> None:
    class Branching(nn.Module):
        scale = 2

        def forward(self, x: Tensor) -> Tensor:
            return F.interpolate(x, scale_factor=2) if x.sum() > 0 else F.interpolate(x, scale_factor=2) * 2

    model = Branching()
    assert isinstance(simplify(model), Branching)
    assert largest_difference(model, simplify(model), [(4, 4)]) == 0
