"""Networks, supernet and cost: shapes, gradients, published costs, and agreement with torch's own counter."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
import torch

from hnas.conformance import OPERATION_PROMISES
from hnas.conformance.operations import genotype_with
from hnas.errors import HnasError
from hnas.nets import (
    Network,
    NetworkSettings,
    Supernet,
    SupernetSettings,
    build_model,
    model_cost,
    network_cost,
)
from hnas.space.cells import NAMED_GENOTYPES, OPERATIONS, Cell, CellGenotype, CellSpace, Edge


# The figures of a recount of Table II by hand, see docs/table-ii.md; G multiply-adds at 3x480x480, x2.
@pytest.mark.parametrize(
    ("name", "channels", "giga"),
    [
        ("HNAS-A", 64, 357.3),
        ("HNAS-B", 64, 490.7),
        ("HNAS-C", 64, 626.8),
        ("HNAS-A", 16, 30.2),
        ("HNAS-B", 16, 36.8),
        ("HNAS-C", 16, 42.7),
    ],
)
def test_costs_of_the_published_genotypes(name: str, channels: int, giga: float) -> None:
    cost = network_cost(NAMED_GENOTYPES[name], NetworkSettings(channels=channels))
    assert cost.macs / 1e9 == pytest.approx(giga, abs=0.06)


@pytest.mark.parametrize("promise", OPERATION_PROMISES)
@pytest.mark.parametrize("name", [name for operations in OPERATIONS.values() for name in operations])
def test_operations_keep_their_promises(promise: Callable[[str], None], name: str) -> None:
    promise(name)


def test_cost_of_random_genotypes_is_independent_of_what_ran_before() -> None:
    random, space = Random(0), CellSpace(layers=5)
    genotypes = [space.sample(random) for _ in range(12)]
    settings = NetworkSettings(channels=8)
    first = [network_cost(genotype, settings) for genotype in genotypes]
    assert [network_cost(genotype, settings) for genotype in reversed(genotypes)] == first[::-1]
    assert [model_cost(Network(genotype, settings)) for genotype in genotypes] == first


def cell_of(kind: str, *sources: int) -> Cell:
    """A cell of nodes whose edges are convolutions, or deconvolutions, of the given two sources each."""
    name = "conv_3x3" if kind == "normal" else "deconvolution"
    pairs = zip(sources[::2], sources[1::2], strict=True)
    return Cell(kind, tuple((Edge(name, first), Edge(name, second)) for first, second in pairs))


@pytest.mark.parametrize(
    ("layers", "position", "normal", "upsampling", "used", "squeezes"),
    [
        (3, 3, (-2, -1), (-1, -1), {1, 2, 3}, 2 + 2 + 1),
        # The picture comes from cell 5 by way of cells 3 and 1, the last two of which are passed by.
        (5, 1, (-2, -2), (-2, -2), {1, 3, 5}, 1 + 1 + 1),
        (4, 4, (-1, -1), (-2, -2), {1, 2, 4}, 1 + 1 + 1),
        (3, 2, (-1, -1, -2, 0), (-1, -1, 0, 0), {1, 2, 3}, 2 + 1 + 2),
    ],
)
def test_what_no_edge_takes_does_not_exist(
    layers: int, position: int, normal: tuple[int, ...], upsampling: tuple[int, ...], used: set[int], squeezes: int
) -> None:
    """By hand, from the drawing of each network: cells whose outputs count, and inputs that are squeezed."""
    genotype = CellGenotype(layers, position, cell_of("normal", *normal), cell_of("upsampling", *upsampling))
    network = Network(genotype, NetworkSettings(channels=2))
    nodes = len(genotype.normal.nodes)
    assert {int(name.split(".")[1]) + 1 for name in network.state_dict() if name.startswith("cells.")} == used
    ends, edges, squeeze = 2 * 3 * 2 * nodes * 9, 2 * nodes * 9 * 4, 2 * nodes * 2
    assert network_cost(genotype, network.settings).params == ends + len(used) * edges + squeezes * squeeze
    around = Network(genotype, NetworkSettings(channels=2, cell_skip=0.3))
    assert len([cell for cell in around.cells if isinstance(cell, torch.nn.Identity)]) == 0  # each is added to a path


def test_description_rebuilds_the_network() -> None:
    network = Network(NAMED_GENOTYPES["HNAS-B"], NetworkSettings(channels=4, scale=3, cell_skip=0.3)).eval()
    again = build_model(network.description).eval()
    again.load_state_dict(network.state_dict(), strict=True)
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(network(x), again(x))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "hnas-model/9"},
        {"architecture": "resnet"},
        {"architecture": ["hnas"]},
        {"scale": 5},
        {"scale": "2"},
        {"scale": 2.0},
        {"channels": 0},
        {"channels": 4.5},
        {"channels": 10**9},
        {"image_skip": "lanczos"},
        {"cell_skip": -1},
        {"cell_skip": "x"},
        {"norm": "layer"},
        {"colour": "red"},
        {"genotype": 3},
    ],
)
def test_wrong_descriptions_are_refused_by_name(change: dict[str, object]) -> None:
    description = Network(genotype_with("identity"), NetworkSettings(channels=4)).description
    with pytest.raises(HnasError, match=r"allowed|needed|a genotype is"):
        build_model({**description, **change})


def test_supernet_evaluates_a_genotype_like_the_stand_alone_network() -> None:
    """With the shared weights copied over, both must make the same picture: one meaning of a genotype."""
    torch.manual_seed(0)
    space = CellSpace(layers=4)
    settings = NetworkSettings(channels=4, cell_skip=0.3)
    for sharing in ("edge", "node"):
        supernet = Supernet(space, SupernetSettings(settings, sharing=sharing)).eval()
        for seed in range(4):
            genotype = space.sample(Random(seed))
            network = Network(genotype, settings).eval()
            network.stem.load_state_dict(supernet.stem.state_dict())
            network.tail.load_state_dict(supernet.tail.state_dict())
            normals = iter(supernet.normal)
            for position, cell in enumerate(network.cells, 1):
                shared = supernet.upsampling if position == genotype.position else next(normals)
                for mine, its, used in zip(cell.inputs, shared.inputs, cell.used, strict=True):
                    if used:
                        mine.load_state_dict(its.state_dict())
                for index, edge in enumerate(cell.cell.edges):
                    key = shared._key(index // 2, index % 2, edge)
                    cell.edges[index].load_state_dict(shared.edges[key].state_dict())
            x = torch.rand(1, 3, 8, 8)
            torch.testing.assert_close(supernet(x, genotype), network(x))


def test_supernet_never_samples_and_trains_only_what_the_genotype_names() -> None:
    torch.manual_seed(0)
    space = CellSpace(layers=3, nodes=2)
    supernet = Supernet(space, SupernetSettings(NetworkSettings(channels=4)))
    genotype = space.sample(Random(1))
    x = torch.rand(1, 3, 8, 8)
    state = torch.random.get_rng_state()
    first, second = supernet(x, genotype), supernet(x, genotype)
    assert torch.equal(first, second)
    assert torch.equal(state, torch.random.get_rng_state())
    first.sum().backward()
    for cell, shared in ((genotype.normal, supernet.normal[0]), (genotype.upsampling, supernet.upsampling)):
        named = {shared._key(index // 2, index % 2, edge) for index, edge in enumerate(cell.edges)}
        trained = {n.split(".")[0] for n, p in shared.edges.named_parameters() if p.grad is not None}
        assert trained <= named


def test_supernet_refuses_a_genotype_of_another_space() -> None:
    supernet = Supernet(CellSpace(layers=2, nodes=1), SupernetSettings(NetworkSettings(channels=2)))
    with pytest.raises(HnasError, match="not in the supernet's space"):
        supernet(torch.rand(1, 3, 8, 8), NAMED_GENOTYPES["HNAS-A"])
