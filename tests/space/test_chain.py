"""Chains: counts by hand, the parser's answers to anything at all, and what the space refuses."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnas.errors import HnasError
from hnas.space import KINDS, load_genotype, parse_genotype, read_genotype
from hnas.space.chain import BLOCKS, ChainGenotype, ChainSpace
from tests.space.spaces import TINY_CHAINS

CHAIN = ChainGenotype(16, ("conv_3x3", "conv_3x3", "residual_3x3"), "luma", 2)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
#: Fields of a chain, each right or anything else.
near_chains = st.fixed_dictionaries(
    {
        "format": st.just("hnas-chain/1") | st.sampled_from([kind.format for kind in KINDS.values()]) | json_values,
        "width": st.integers(-1, 600) | json_values,
        "blocks": st.lists(st.sampled_from([*BLOCKS, "identity"]), max_size=3) | json_values,
        "colour": st.sampled_from(["luma", "rgb", "blue"]) | json_values,
        "enlargement": st.integers(-1, 4) | json_values,
    },
    optional={"more\nlines": json_values},
)


def test_sizes_by_hand() -> None:
    assert TINY_CHAINS.size == 2 * 2 * (2**1 + 2**3)
    assert ChainSpace().size == 3 * 4
    wide = ChainSpace(widths=(4, 8), depths=(3, 5), blocks=BLOCKS, after=(0, 1, 3))
    assert wide.size == 2 * 3 * (2**3 + 2**5)


def test_depths_are_drawn_as_often_as_there_are_chains_of_them() -> None:
    random = Random(0)
    drawn = Counter(TINY_CHAINS.sample(random).depth for _ in range(4000))
    assert drawn[3] / 4000 == pytest.approx(8 / 10, abs=0.03)


def test_fair_chains_are_the_deepest_of_every_width_and_place_in_turn() -> None:
    for count in (4, 12):
        group = TINY_CHAINS.fair(count, Random(count))
        assert {genotype.depth for genotype in group} == {3}
        turns = Counter((genotype.width, genotype.after) for genotype in group)
        assert set(turns.values()) == {count // 4}
        assert len(turns) == 4
    begins = {TINY_CHAINS.fair(1, Random(seed))[0].width for seed in range(20)}
    assert begins == {2, 3}


def test_a_space_of_one_chain_has_no_other() -> None:
    space = ChainSpace(widths=(8,), depths=(2,))
    (only,) = space
    assert list(space.neighbours(only)) == []
    with pytest.raises(HnasError, match="holds one genotype"):
        space.mutate(only, Random(0))


def test_words() -> None:
    assert CHAIN.summary() == (
        "chain of 16 channels, 3 blocks (2 x conv_3x3, residual_3x3), luma, enlarged after block 2"
    )
    assert ChainGenotype(8, ("conv_3x3",), "rgb", 1).summary().endswith("(conv_3x3), rgb, enlarged at the end")
    assert CHAIN.chosen()["Blocks"] == ("conv_3x3", "conv_3x3", "residual_3x3")
    assert not CHAIN.idle


@given(json_values | near_chains)
def test_any_value_is_read_or_refused_in_one_line(value: object) -> None:
    for read in (ChainGenotype.from_dict, read_genotype):
        try:
            message = parse_genotype(read(value).to_json()).to_json()
        except HnasError as error:
            message = str(error)
        assert len(message.splitlines()) == 1
        assert len(message) < 600


@given(st.data())
def test_a_damaged_chain_is_read_or_refused(data: st.DataObject) -> None:
    text = CHAIN.to_json()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    damaged = text[:start] + data.draw(st.text(max_size=3)) + text[end:]
    for read in (ChainGenotype.from_json, parse_genotype):
        try:
            message = read(damaged).to_json()
        except HnasError as error:
            message = str(error)
        assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width is 0; allowed are 1 to 512"),
        ({"width": 1000000}, "width is 1000000; allowed are 1 to 512"),
        ({"width": "8"}, "width is '8'; a whole number is needed"),
        ({"width": True}, "width is True; a whole number is needed"),
        ({"width": 8.0}, "whole number"),
        ({"blocks": []}, "a chain has 1 to 128 blocks, not 0"),
        ({"blocks": ["conv_3x3"] * 129}, "not 129"),
        ({"blocks": "conv_3x3"}, "a list is needed"),
        ({"blocks": ["conv_5x5"]}, "block 0 is 'conv_5x5'; allowed are conv_3x3, residual_3x3"),
        ({"blocks": [3]}, "block 0 is 3; a text is needed"),
        ({"colour": "blue"}, "colour is 'blue'; allowed are luma and rgb"),
        ({"colour": None}, "colour is None; a text is needed"),
        ({"enlargement": 99}, "after block 99; allowed are 0"),
        ({"enlargement": -1}, "after block -1"),
        ({"enlargement": False}, "whole number"),
        ({"format": "hnas-chain/2"}, "allowed is 'hnas-chain/1'"),
        ({"scale": 2}, r"unknown fields \['scale'\]"),
        ({"a\nb": 2}, r"unknown fields \['a\\nb'\]"),
    ],
)
def test_wrong_chains_are_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(HnasError, match=message):
        ChainGenotype.from_dict({**CHAIN.to_dict(), **change})


def test_another_spaces_genotype_is_refused() -> None:
    cells = load_genotype("HNAS-A").to_dict()
    with pytest.raises(HnasError, match="format is 'hnas-genotype/1'; allowed is 'hnas-chain/1'"):
        ChainGenotype.from_dict(cells)
    with pytest.raises(HnasError, match="allowed are 'hnas-genotype/1' and 'hnas-chain/1'"):
        read_genotype({**cells, "format": "hnas-tree/1"})


@pytest.mark.parametrize("depth", [500, 5_000, 100_000])
def test_deeply_nested_json_is_refused(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    for text in (nested, json.dumps({**CHAIN.to_dict(), "width": "W"}).replace('"W"', nested)):
        with pytest.raises(HnasError):
            parse_genotype(text)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"widths": ()}, "widths are"),
        ({"widths": (0,)}, "1 to 512"),
        ({"widths": (8, 8)}, "once each"),
        ({"widths": (513,)}, "1 to 512"),
        ({"depths": (999,)}, "1 to 128"),
        ({"depths": ()}, "depths are"),
        ({"blocks": ()}, "blocks are"),
        ({"blocks": ("identity",)}, "conv_3x3, residual_3x3"),
        ({"after": (3,), "depths": (2, 4)}, "after is 3; allowed are at most .* 2"),
        ({"after": (-1,)}, "0 to 128"),
        ({"colour": "blue"}, "luma and rgb"),
    ],
)
def test_wrong_spaces_are_refused_by_name(fields: dict[str, object], message: str) -> None:
    with pytest.raises(HnasError, match=message):
        ChainSpace(**fields)  # type: ignore[arg-type]
