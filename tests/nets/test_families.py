"""What searching asks of networks (:mod:`hnas.nets.families`), for every space alike."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
import torch

from hnas.nets import (
    FAMILIES,
    Family,
    NetworkOptions,
    build_model,
    family_of,
    model_cost,
    model_scale,
    network_of,
    plain_form,
    seen_by,
)
from hnas.searching.settings import SearchSettings
from hnas.space import KINDS, Space

#: Searches small enough for whole networks, at every scale.
SEARCHES = {
    f"{kind} x{scale}": SearchSettings(
        space=kind, scale=scale, layers=2, nodes=1, channels=3, target_channels=5, widths=(2, 3), depths=(1, 3),
        blocks=("conv_3x3", "residual_3x3"), after=(0, 1),
    )
    for kind in ("cells", "chain")
    for scale in (2, 3, 4)
}  # fmt: skip
searches = pytest.mark.parametrize("settings", SEARCHES.values(), ids=SEARCHES.keys())


def made(settings: SearchSettings) -> tuple[Family, Space]:
    return family_of(settings.space, settings), settings.search_space


def close(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * float(other.abs().amax()))


def test_every_space_is_tried() -> None:
    assert {settings.space for settings in SEARCHES.values()} == set(KINDS) == set(FAMILIES)


@searches
def test_costs_are_those_of_the_target_as_it_is_run(settings: SearchSettings) -> None:
    family, space = made(settings)
    for seed in range(5):
        genotype = space.sample(Random(seed))
        assert family.cost(genotype, (6, 9)) == model_cost(family.target(genotype), lr_size=(6, 9))


@searches
def test_shared_weights_keep_the_protocol(settings: SearchSettings) -> None:
    family, space = made(settings)
    torch.manual_seed(0)
    supernet = family.supernet(space).eval()
    assert supernet.scale == settings.scale
    assert family.width(space) >= 1
    assert supernet.whole_batch is False
    held = [id(parameter) for group, _ in supernet.groups() for parameter in group]
    assert len(held) == len(set(held))
    assert set(held) == {id(parameter) for parameter in supernet.parameters()}
    assert all(0 < rate <= 1 for _, rate in supernet.groups())
    x = torch.rand(2, 3, 6, 5)
    for seed in range(5):
        genotype = space.sample(Random(seed))
        with torch.no_grad():
            picture = supernet(x, genotype)
            assert picture.shape == (2, 3, 6 * settings.scale, 5 * settings.scale)
            assert any(torch.equal(picture, one) for one in supernet.pictures(x, genotype))
            close(supernet(x[:1], genotype), picture[:1])
            close(supernet.seen(picture), supernet(supernet.seen(x), genotype))
            if (member := supernet.member(genotype)) is not None:
                close(member(x), picture)


@searches
def test_networks_are_of_the_scale_and_rebuilt_from_their_description(settings: SearchSettings) -> None:
    family, space = made(settings)
    genotype = space.sample(Random(1))
    x = torch.rand(1, 3, 7, 6)
    for build in (family.network, family.target):
        torch.manual_seed(3)
        network = build(genotype).eval()
        assert model_scale(network) == settings.scale
        again = build_model(network.description).eval()
        again.load_state_dict(network.state_dict())
        with torch.no_grad():
            assert torch.equal(again(x), network(x))
            close(plain_form(network)(x), network(x))
            seen = seen_by(network)
            close(network(seen(x)), seen(network(x)))


@pytest.mark.parametrize("cell_skip", [0.0, 0.3])
@pytest.mark.parametrize("settings", [SEARCHES["cells x3"], SEARCHES["chain x3"]], ids=["cells", "chain"])
def test_every_parameter_of_random_genotypes_gets_a_gradient_and_is_counted(
    settings: SearchSettings, cell_skip: float
) -> None:
    """Several processes cannot train a network with one that gets none."""
    settings = replace(settings, layers=5, cell_skip=cell_skip, depths=(1, 2, 3))
    family, space = made(settings)
    for seed in range(40):
        genotype = space.sample(Random(seed))
        network = family.network(genotype)
        network(torch.rand(1, 3, 5, 4)).sum().backward()
        assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == [], genotype
        target = family.target(genotype)
        assert family.cost(genotype, (4, 5)) == model_cost(target, lr_size=(4, 5))


@pytest.mark.parametrize("settings", [SEARCHES["cells x2"], SEARCHES["chain x2"]], ids=["cells", "chain"])
def test_a_network_by_itself_has_the_scale_asked_for(settings: SearchSettings) -> None:
    genotype = settings.search_space.sample(Random(2))
    for scale in (2, 3, 4):
        assert model_scale(network_of(genotype, NetworkOptions(scale=scale))) == scale


@searches
def test_networks_of_the_same_parts_cost_the_same(settings: SearchSettings) -> None:
    """Whatever the order of blocks, or the sources of edges: what parts leave out takes no multiply-adds."""
    family, space = made(settings)
    drawn = [space.sample(Random(seed)) for seed in range(300)]
    costs: dict[tuple[tuple[str, int], ...], set[int]] = {}
    for genotype in drawn:
        parts = tuple(sorted(family.parts(genotype).items()))
        costs.setdefault(parts, set()).add(family.cost(genotype, (6, 9)).macs)
    assert all(len(found) == 1 for found in costs.values())
    assert len(costs) > 3
