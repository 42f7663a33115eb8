"""Genotypes and their space: JSON, validation, uniform sampling, mutation, size by enumeration."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnas.errors import HnasError
from hnas.space import load_genotype
from hnas.space.cells import NAMED_GENOTYPES, CellGenotype, CellSpace

TINY = CellSpace(layers=2, nodes=1, normal_operations=("identity", "rcab"), upsampling_operations=("area", "sub_pixel"))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def test_size_by_enumeration() -> None:
    for space in (
        TINY,
        CellSpace(layers=1, nodes=2, normal_operations=("identity",), upsampling_operations=("area",)),
    ):
        genotypes = list(space)
        assert len(genotypes) == len(set(genotypes)) == space.size
        assert all(genotype in space for genotype in genotypes)


def test_size_of_the_papers_space() -> None:
    # Per cell (2 * 3 * 4 * 5)^2 choices of sources; 7^8 and 5^8 choices of operations; 12 positions.
    assert CellSpace().size == 120**4 * 7**8 * 5**8 * 12


def test_sampling_is_uniform() -> None:
    """Chi-squared over all 512 genotypes: with 511 degrees of freedom 675 is beyond p = 1e-6."""
    random, draws = Random(0), 40 * TINY.size
    counts = Counter(TINY.sample(random) for _ in range(draws))
    expected = draws / TINY.size
    assert sum((counts[genotype] - expected) ** 2 / expected for genotype in TINY) < 675


@given(st.integers(0, 2**32), st.integers(1, 14), st.integers(1, 6))
def test_json_round_trip(seed: int, layers: int, nodes: int) -> None:
    genotype = CellSpace(layers=layers, nodes=nodes).sample(Random(seed))
    assert CellGenotype.from_json(genotype.to_json()) == genotype


@given(st.integers(0, 2**32))
def test_mutation_changes_exactly_one_choice(seed: int) -> None:
    random, space = Random(seed), CellSpace(layers=3, nodes=2)
    genotype = space.sample(random)
    changed = space.mutate(genotype, random)
    assert changed in space
    before, after = (
        [
            g.position,
            *(value for cell in (g.normal, g.upsampling) for e in cell.edges for value in (e.operation, e.source)),
        ]
        for g in (genotype, changed)
    )
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    assert changed in space.neighbours(genotype)


def test_neighbours_are_all_single_changes() -> None:
    """2 other positions; each of 2 x 4 edges has 6 or 4 other operations, and 1 or 2 other sources (node 0 or 1)."""
    space = CellSpace(layers=3, nodes=2)
    genotype = space.sample(Random(0))
    neighbours = list(space.neighbours(genotype))
    assert len(neighbours) == len(set(neighbours)) == 2 + 4 * 6 + 4 * 4 + 4 * 1 + 4 * 2
    assert genotype not in neighbours
    assert all(neighbour in space for neighbour in neighbours)


@given(json_values)
def test_any_json_is_read_or_refused(value: object) -> None:
    with pytest.raises(HnasError):
        CellGenotype.from_dict(value)


@given(st.data())
def test_a_damaged_genotype_is_read_or_refused(data: st.DataObject) -> None:
    text = NAMED_GENOTYPES["HNAS-A"].to_json()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    damaged = text[:start] + data.draw(st.text(max_size=3)) + text[end:]
    try:
        genotype = CellGenotype.from_json(damaged)
    except HnasError as error:
        message = str(error)
    else:
        message = genotype.to_json()
    assert "\n" not in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": 0}, "position is 0; allowed are 1 to 12"),
        ({"position": 13}, "position is 13; allowed are 1 to 12"),
        ({"position": True}, "whole number"),
        ({"position": 1.0}, "whole number"),
        ({"layers": 10**9}, "layers is 1000000000; allowed are 1 to 256"),
        ({"format": "hnas-genotype/2"}, "allowed is 'hnas-genotype/1'"),
        ({"colour": 1}, r"unknown fields \['colour'\]"),
        ({"normal": []}, "1 to 64 nodes"),
        ({"normal": [[["conv", -1], ["identity", -1]]]}, "unknown operation 'conv'"),
        ({"normal": [[["sub_pixel", -1], ["identity", -1]]]}, "unknown operation 'sub_pixel'"),
        ({"normal": [[["identity", 0], ["identity", -1]]]}, "takes its input from 0; allowed are"),
        ({"normal": [[["identity", -3], ["identity", -1]]]}, "takes its input from -3"),
        ({"normal": [[["identity", -1]]]}, "has 1 edges; allowed are exactly 2"),
        ({"normal": [[["identity"], ["identity", -1]]]}, "allowed is"),
        ({"normal": "abc"}, "a list is needed"),
    ],
)
def test_wrong_genotypes_are_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(HnasError, match=message):
        CellGenotype.from_dict({**NAMED_GENOTYPES["HNAS-A"].to_dict(), **change})


def test_missing_field() -> None:
    value = NAMED_GENOTYPES["HNAS-A"].to_dict()
    del value["upsampling"]
    with pytest.raises(HnasError, match="lacks upsampling"):
        CellGenotype.from_dict(value)


def test_load_genotype(tmp_path) -> None:
    assert load_genotype("hnas-b") == NAMED_GENOTYPES["HNAS-B"]
    path = tmp_path / "genotype.json"
    path.write_text(NAMED_GENOTYPES["HNAS-C"].to_json())
    assert load_genotype(path) == NAMED_GENOTYPES["HNAS-C"]
    for content in (b"", b"\xff\xfe", b"{", b"[" * 5000, json.dumps({"format": 1}).encode()):
        path.write_bytes(content)
        with pytest.raises(HnasError, match=r"genotype\.json"):
            load_genotype(path)
    with pytest.raises(HnasError, match="give one of HNAS-A"):
        load_genotype("HNAS-Z")
