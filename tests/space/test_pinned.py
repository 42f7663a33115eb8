"""The paper's space is what it was before there were others: its size, its draws from a seed, and its preset.

The hashes are those of the last version that had no other space.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random

import pytest

from hnas.space import Genotype
from hnas.space.cells import NORMAL_OPERATIONS, OPERATIONS, CellSpace


def digest(genotypes: Sequence[Genotype]) -> str:
    return hashlib.sha256("\n".join(genotype.to_json() for genotype in genotypes).encode()).hexdigest()


def test_size() -> None:
    """Per cell (2 * 3 * 4 * 5)^2 choices of sources; 7^8 and 5^8 choices of operations; 12 positions."""
    space = CellSpace()
    assert (space.layers, space.nodes) == (12, 4)
    assert (len(space.normal_operations), len(space.upsampling_operations)) == (7, 5)
    assert space.size == 12 * (2 * 3 * 4 * 5) ** 4 * 7**8 * 5**8


def test_samples_and_mutations() -> None:
    space, random = CellSpace(), Random(0)
    drawn = []
    for _ in range(50):
        genotype = space.sample(random)
        drawn += [genotype, space.mutate(genotype, random)]
    assert digest(drawn) == "2f5380d4408c6f0ed7113f6ed1aa74dc592e2ab18ae33d82cfb5ae53c631ff0a"


def test_fair_genotypes() -> None:
    drawn = CellSpace().fair(20, Random(0))
    assert digest(drawn) == "8a0c3464fce80e763f73fb2bee80a268ada89dc76a457ebe80d9476733fd4c76"


def test_plain_convolutions_may_be_chosen_and_are_not_in_the_papers_space() -> None:
    assert set(OPERATIONS["normal"]) - set(NORMAL_OPERATIONS) == {"conv_3x3"}
    space = CellSpace(layers=3, normal_operations=("identity", "conv_3x3"))
    drawn = [space.sample(Random(seed)) for seed in range(20)]
    assert {edge.operation for genotype in drawn for edge in genotype.normal.edges} == {"identity", "conv_3x3"}
    assert not any(genotype in CellSpace(layers=3) for genotype in drawn)


@pytest.mark.parametrize("name", ["identity", "rcab"])
def test_idle_is_a_normal_cell_of_identities(name: str) -> None:
    space = CellSpace(layers=2, nodes=1, normal_operations=(name,))
    assert space.sample(Random(0)).idle == (name == "identity")
