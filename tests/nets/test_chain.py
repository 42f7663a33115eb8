"""Networks of chains: as trained and as run, what they cost, their files, and their supernet."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from random import Random

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from hnas.errors import HnasError
from hnas.nets import NetworkOptions, build_model, model_cost, network_of, plain_form, seen_by
from hnas.nets.chain import ChainNetwork, ChainSupernet, chain_cost
from hnas.nets.families import FAMILIES
from hnas.space import KINDS, load_genotype
from hnas.space.chain import ChainGenotype, ChainSpace
from hnas.weights import load_model, read_weights, save_model

BLOCKS = ("conv_3x3", "residual_3x3", "conv_3x3")
#: Both colours, and the enlargement at the end, in the middle and at the start.
CHAINS = [ChainGenotype(5, BLOCKS, colour, place) for colour, place in product(("luma", "rgb"), (3, 1, 0))]
chains = pytest.mark.parametrize("genotype", CHAINS, ids=lambda g: f"{g.colour}-{g.enlargement}")
scales = pytest.mark.parametrize("scale", [2, 3, 4])
SPACE = ChainSpace(widths=(3, 5), depths=(2, 3, 5), blocks=("conv_3x3", "residual_3x3"), after=(0, 2))


def disturbed(module: nn.Module, seed: int = 0) -> nn.Module:
    """The same module with weights and biases far from their start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return module.eval()


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def luma(picture: Tensor) -> Tensor:
    """BT.601, full range."""
    return 0.299 * picture[:, :1] + 0.587 * picture[:, 1:2] + 0.114 * picture[:, 2:]


def test_every_kind_of_genotype_has_a_family() -> None:
    assert set(FAMILIES) == set(KINDS)


@scales
@chains
def test_it_looks_as_far_as_it_says_and_no_less(genotype: ChainGenotype, scale: int) -> None:
    """A gradient tells which pixels an output depends on; as trained and as run alike."""
    network = disturbed(ChainNetwork(genotype, scale))
    for model in (network, plain_form(network)):
        (radius,) = model.margins()  # type: ignore[operator]
        middle = radius + 2
        x = pictures(1, 3, 5, 2 * middle + 1).requires_grad_()
        model(x)[..., scale * middle : scale * (middle + 1)].square().sum().backward()
        assert x.grad is not None
        columns = x.grad.abs().sum((0, 1, 2)).nonzero().flatten()
        assert (columns.min(), columns.max()) == (middle - radius, middle + radius)


@scales
@chains
def test_shape_and_a_finite_gradient_for_every_parameter(genotype: ChainGenotype, scale: int) -> None:
    network = disturbed(ChainNetwork(genotype, scale)).train()
    image = network(pictures(2, 3, 9, 7))
    assert image.shape == (2, 3, 9 * scale, 7 * scale)
    image.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@scales
@chains
def test_multiply_adds_are_those_that_torch_counts_in_the_folded_graph(genotype: ChainGenotype, scale: int) -> None:
    network = ChainNetwork(genotype, scale).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.folded()(torch.zeros(1, 3, 7, 10))
    cost = chain_cost(genotype, scale, lr_size=(7, 10))
    assert cost.macs == counter.get_total_flops() // 2
    assert cost.params == sum(parameter.numel() for parameter in network.parameters())
    assert model_cost(network, lr_size=(7, 10)) == cost


def test_cost_by_hand() -> None:
    """16 channels, x2, brightness: what a calculator says."""
    end = ChainGenotype(16, ("conv_3x3", "residual_3x3"), "luma", 2)
    block = 9 * 16 * 16
    cost = chain_cost(end, 2, lr_size=(1, 1))
    # Stem 1 -> 16, three convolutions, tail 16 -> 4; run: 3 -> 16, the three, 16 -> 12, and 5x5 of 3 -> 12.
    assert cost.params == (9 * 16 + 16) + 3 * (block + 16) + (9 * 16 * 4 + 4)
    assert cost.macs == 9 * 3 * 16 + 3 * block + 9 * 16 * 12 + 25 * 3 * 12
    middle = ChainGenotype(16, ("conv_3x3", "residual_3x3"), "rgb", 1)
    cost = chain_cost(middle, 2, lr_size=(1, 1))
    # Stem 3 -> 16, one convolution, 16 -> 64 before the shuffle; at four times the pixels two more and 16 -> 3.
    assert cost.params == (9 * 3 * 16 + 16) + 3 * (block + 16) + (4 * block + 64) + (9 * 16 * 3 + 3)
    assert cost.macs == 9 * 3 * 16 + block + 4 * block + 4 * (2 * block + 9 * 16 * 3) + 25 * 3 * 12


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 6), (9, 7)])
@scales
@chains
def test_folding_changes_nothing_borders_and_tiny_pictures_included(
    genotype: ChainGenotype, scale: int, size: tuple[int, int]
) -> None:
    network = disturbed(ChainNetwork(genotype, scale), seed=scale)
    folded = network.folded()
    x = pictures(2, 3, *size)
    with torch.no_grad():
        expected = network(x)
        torch.testing.assert_close(folded(x), expected, rtol=1e-5, atol=1e-5 * float(expected.abs().amax()))
    assert folded.scale == scale
    assert folded.description == network.description
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert plain_form(folded) is folded


@scales
def test_the_folded_enlargement_is_torchs_bicubic(scale: int) -> None:
    """A network whose tail makes nothing adds nothing, so what is left is the enlargement."""
    network = ChainNetwork(ChainGenotype(4, ("conv_3x3",), "rgb", 1), scale).eval()
    with torch.no_grad():
        network.head.tail.weight.zero_()
    folded = network.folded()
    for size in ((1, 1), (2, 3), (5, 4), (11, 8)):
        x = pictures(1, 3, *size)
        expected = F.interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False)
        torch.testing.assert_close(folded(x), expected, rtol=0, atol=1e-5)


@scales
@pytest.mark.parametrize("place", [3, 1, 0])
def test_a_network_of_brightness_maps_brightness_as_it_maps_colours(place: int, scale: int) -> None:
    network = disturbed(ChainNetwork(ChainGenotype(5, BLOCKS, "luma", place), scale))
    seen = seen_by(network)
    x = pictures(2, 3, 8, 6)
    torch.testing.assert_close(seen(x), luma(x))
    with torch.no_grad():
        image = network(x)
        torch.testing.assert_close(network(seen(x)), luma(image), rtol=1e-5, atol=1e-5 * float(image.abs().amax()))
    gray = x[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(seen(gray), x[:, :1])


def test_a_network_of_colours_sees_all_of_them() -> None:
    x = pictures(1, 3, 4, 4)
    assert seen_by(ChainNetwork(CHAINS[3], 2))(x) is x


@chains
def test_black_stays_black_to_its_borders(genotype: ChainGenotype) -> None:
    """Fresh biases are 0, and what surrounds a picture counts as black: nothing can come of black."""
    network = ChainNetwork(genotype, 2).eval()
    black = torch.zeros(1, 3, 6, 5)
    with torch.no_grad():
        for form in (network, network.folded()):
            assert torch.equal(form(black), torch.zeros(1, 3, 12, 10))


@pytest.mark.parametrize("colour", ["luma", "rgb"])
def test_training_begins_near_the_enlarged_picture(colour: str) -> None:
    torch.manual_seed(0)
    network = ChainNetwork(ChainGenotype(16, ("conv_3x3",) * 4, colour, 4), 2)  # type: ignore[arg-type]
    x = pictures(1, 3, 16, 16)
    with torch.no_grad():
        change = network(x) - F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
    assert 0 < change.abs().mean() < 0.2


@scales
@chains
def test_a_weights_file_gives_the_same_network(genotype: ChainGenotype, scale: int, tmp_path: Path) -> None:
    network = disturbed(ChainNetwork(genotype, scale))
    save_model(tmp_path / "w.safetensors", network, {"seed": 3})
    again = load_model(tmp_path / "w.safetensors")
    x = pictures(1, 3, 6, 5)
    with torch.no_grad():
        assert torch.equal(again(x), network(x))
    assert again.genotype == genotype
    assert again.scale == scale
    file = read_weights(tmp_path / "w.safetensors")
    assert file.provenance == {"seed": 3}
    assert file.description == network.description


def description(**changes: object) -> dict[str, object]:
    return {**ChainNetwork(CHAINS[0], 2).description, **changes}


def genotype_with(**changes: object) -> dict[str, object]:
    return {**CHAINS[0].to_dict(), **changes}


@pytest.mark.parametrize(
    "hostile",
    [
        *({"genotype": genotype_with(width=width)} for width in (0, 1000000, "8", True, 2.0, None)),
        *({"genotype": genotype_with(blocks=blocks)} for blocks in ([], ["conv_7x7"], "conv_3x3", [[]], None)),
        *({"genotype": genotype_with(enlargement=place)} for place in (99, -1, "1", True)),
        *({"genotype": genotype_with(colour=colour)} for colour in ("blue", 3, ["luma"])),
        {"genotype": genotype_with(more=1)},
        {"genotype": None},
        {"genotype": [CHAINS[0].to_dict()]},
        {"genotype": load_genotype("HNAS-A").to_dict()},
        *({"scale": scale} for scale in (0, 5, "2", 2.0, True, None, [2], {})),
        {"channels": 16},
        {"architecture": "hnas"},
        {"architecture": "chains"},
        {"architecture": ["chain"]},
        {"format": "hnas-model/2"},
    ],
    ids=str,
)
def test_a_hostile_description_is_refused_in_one_line(hostile: dict[str, object]) -> None:
    with pytest.raises(HnasError) as caught:
        build_model(description(**hostile))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("missing", ["genotype", "scale"])
def test_a_description_without_a_field_is_refused(missing: str) -> None:
    value = description()
    del value[missing]
    with pytest.raises(HnasError, match=f"lacks {missing}"):
        build_model(value)


def test_a_chain_where_cells_are_needed_is_refused() -> None:
    cells = network_of(load_genotype("HNAS-A"), NetworkOptions(channels=2)).description
    with pytest.raises(HnasError, match="format is 'hnas-chain/1'; allowed is 'hnas-genotype/1'"):
        build_model({**cells, "genotype": CHAINS[0].to_dict()})  # type: ignore[dict-item]


def test_a_chain_by_itself_takes_the_scale_alone() -> None:
    network = network_of(CHAINS[0], NetworkOptions(scale=3))
    assert isinstance(network, ChainNetwork)
    assert network.scale == 3
    with pytest.raises(HnasError, match="a network of chain has no --channels; it takes --scale,"):
        network_of(CHAINS[0], NetworkOptions(channels=8))


@pytest.fixture(scope="module")
def supernet() -> ChainSupernet:
    made = disturbed(ChainSupernet(SPACE, 2), seed=5)
    assert isinstance(made, ChainSupernet)
    return made


def test_a_member_is_the_chain_with_the_shared_weights(supernet: ChainSupernet) -> None:
    x = pictures(2, 3, 7, 5)
    for seed in range(12):
        genotype = SPACE.sample(Random(seed))
        member = supernet.member(genotype)
        assert member.genotype == genotype
        with torch.no_grad():
            expected = supernet(x, genotype)
            torch.testing.assert_close(member(x), expected, rtol=1e-5, atol=1e-5 * float(expected.abs().amax()))


def test_a_members_weights_are_its_own(supernet: ChainSupernet) -> None:
    genotype = SPACE.sample(Random(0))
    before = [parameter.clone() for parameter in supernet.parameters()]
    disturbed(supernet.member(genotype))
    assert all(torch.equal(a, b) for a, b in zip(before, supernet.parameters(), strict=True))


@pytest.mark.parametrize("colour", ["luma", "rgb"])
@pytest.mark.parametrize("after", [0, 2])
def test_one_forward_pass_gives_the_picture_of_every_depth(after: int, colour: str) -> None:
    space = ChainSpace(widths=(4,), depths=(2, 3, 5), blocks=SPACE.blocks, after=(0, 2), colour=colour)  # type: ignore[arg-type]
    net = disturbed(ChainSupernet(space, 3))
    x = pictures(2, 3, 6, 5)
    blocks = tuple(Random(after).choices(space.blocks, k=5))
    deepest = ChainGenotype(4, blocks, space.colour, 5 - after)
    with torch.no_grad():
        given = net.pictures(x, deepest)
        assert len(given) == 3
        for depth, picture in zip((2, 3, 5), given, strict=True):
            shorter = ChainGenotype(4, blocks[:depth], space.colour, depth - after)
            expected = net.member(shorter)(x)
            torch.testing.assert_close(picture, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().amax()))
            assert torch.equal(picture, net(x, shorter))


def test_shared_weights_see_brightness_as_a_member_does(supernet: ChainSupernet) -> None:
    x = pictures(1, 3, 5, 5)
    torch.testing.assert_close(supernet.seen(x), luma(x))
    genotype = SPACE.sample(Random(1))
    with torch.no_grad():
        torch.testing.assert_close(
            supernet(supernet.seen(x), genotype), luma(supernet(x, genotype)), rtol=1e-4, atol=1e-4
        )


def test_groups_hold_every_parameter_once_and_wider_trunks_at_lower_rates() -> None:
    net = ChainSupernet(ChainSpace(widths=(8, 16, 32), depths=(2,)), 2)
    groups = net.groups()
    held = [id(parameter) for group, _ in groups for parameter in group]
    assert len(held) == len(set(held))
    assert set(held) == {id(parameter) for parameter in net.parameters()}
    assert [rate for _, rate in groups] == [1.0, 1.0, 0.5]


def test_a_step_changes_the_width_that_was_drawn_and_no_other() -> None:
    net = ChainSupernet(SPACE, 2)
    optimizer = torch.optim.Adam([{"params": group} for group, _ in net.groups()], lr=1e-2)
    before = {name: parameter.clone() for name, parameter in net.named_parameters()}
    genotype = ChainGenotype(3, ("conv_3x3",) * 5, "luma", 5)
    x, target = pictures(2, 3, 6, 6), pictures(2, 3, 12, 12, seed=1)
    torch.stack([F.l1_loss(picture, target) for picture in net.pictures(x, genotype)]).mean().backward()
    optimizer.step()
    changed = {name for name, parameter in net.named_parameters() if not torch.equal(parameter, before[name])}
    trunk = "trunks.3."
    assert {name[: len(trunk)] for name in changed} == {trunk}
    # Of that width, what was on the way: the stem, the named blocks, and the exits that follow no late block.
    parts = {name[len(trunk) :] for name in changed}
    assert {part.split(".")[1] for part in parts if part.startswith("exits")} == {"2-0", "3-0", "5-0"}
    assert not any("residual_3x3" in part for part in parts)
    assert {part.split(".")[1] for part in parts if part.startswith("places")} <= {"0", "1", "2", "3", "4"}
    assert any(part.startswith("stem") for part in parts)


def test_a_foreign_chain_is_refused(supernet: ChainSupernet) -> None:
    x = pictures(1, 3, 4, 4)
    for genotype in (ChainGenotype(4, ("conv_3x3",) * 2, "luma", 2), load_genotype("HNAS-A")):
        for call in (supernet, supernet.pictures):
            with pytest.raises(HnasError, match="not in the supernet's space"):
                call(x, genotype)  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [0, 5, "2", 2.0, None])
def test_other_scales_are_refused(scale: object) -> None:
    with pytest.raises(HnasError, match="allowed are 1, 2, 3, 4"):
        ChainNetwork(CHAINS[0], scale)  # type: ignore[arg-type]
