"""What every space promises (:mod:`hnas.space.protocol`), for all of them alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import chisquare

from hnas.drawing.svg import genotype_svg
from hnas.drawing.writing import draw_genotype
from hnas.errors import HnasError
from hnas.space import KINDS, Choice, Genotype, Space, load_genotype, parse_genotype, read_genotype
from tests.space.spaces import LARGE, TINY

tiny = pytest.mark.parametrize("space", TINY.values(), ids=TINY.keys())
all_kinds = pytest.mark.parametrize(
    "space", [*TINY.values(), *LARGE.values()], ids=[*TINY, *(f"large {n}" for n in LARGE)]
)


def choices(space: Space) -> list[Choice]:
    return [choice for head in space.heads for choice in head.choices]


def walks(space: Space, earlier: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """All tokens that can be chosen one after the other."""
    if len(earlier) == len(choices(space)):
        yield earlier
        return
    for token in range(space.open_options(earlier)):
        yield from walks(space, (*earlier, token))


def open_choices(space: Space, genotype: Genotype) -> list[int]:
    """How many options each choice had on the way to this genotype."""
    tokens = space.encode(genotype)
    return [space.open_options(tokens[:index]) for index in range(len(tokens))]


def differing(space: Space, one: Genotype, other: Genotype) -> int:
    """How many of the choices that both genotypes make are made differently."""
    rows = zip(*(space.encode(g) for g in (one, other)), *(open_choices(space, g) for g in (one, other)), strict=True)
    return sum(first != second for first, second, mine, its in rows if min(mine, its) > 1)


def test_there_is_an_example_of_every_kind() -> None:
    for spaces in (TINY, LARGE):
        assert {space.kind for space in spaces.values()} == set(KINDS)
    for name, kind in KINDS.items():
        assert kind.space.kind == name
    assert len({kind.format for kind in KINDS.values()}) == len(KINDS)


@tiny
def test_size_is_the_number_enumerated(space: Space) -> None:
    genotypes = list(space)
    assert len(genotypes) == len(set(genotypes)) == space.size
    assert all(genotype in space and genotype.kind == space.kind for genotype in genotypes)


@tiny
def test_walks_over_open_options_are_all_genotypes_once(space: Space) -> None:
    found = {}
    for tokens in walks(space):
        genotype = space.decode(tokens)
        assert space.encode(genotype) == tokens
        assert genotype not in found
        found[genotype] = tokens
    assert set(found) == set(space)


@all_kinds
def test_fewer_options_are_open_only_where_a_choice_says_that_it_varies(space: Space) -> None:
    random = Random(0)
    for _ in range(20):
        counts = open_choices(space, space.sample(random))
        for choice, count in zip(choices(space), counts, strict=True):
            assert 1 <= count <= choice.options
            assert count == choice.options or choice.varies


@all_kinds
def test_heads_see_only_heads_before_them(space: Space) -> None:
    names = [head.name for head in space.heads]
    assert len(set(names)) == len(names)
    assert {head.level for head in space.heads} == {"cell", "network"}
    for index, head in enumerate(space.heads):
        assert set(head.sees) <= set(names[:index])


@all_kinds
def test_encode_and_decode_are_inverse(space: Space) -> None:
    random = Random(1)
    for _ in range(20):
        genotype = space.sample(random)
        tokens = space.encode(genotype)
        assert len(tokens) == len(choices(space))
        assert space.decode(tokens) == genotype
        assert space.decode(list(tokens)) == genotype


@tiny
def test_sampling_is_uniform(space: Space) -> None:
    """Chi-squared over the enumerated genotypes; the draws are always the same ones."""
    random, draws = Random(0), 40 * space.size
    counts = Counter(space.sample(random) for _ in range(draws))
    assert set(counts) <= set(space)
    assert chisquare([counts[genotype] for genotype in space]).pvalue > 1e-4


@all_kinds
@given(seed=st.integers(0, 2**32))
def test_samples_and_mutations_are_in_the_space(space: Space, seed: int) -> None:
    random = Random(seed)
    genotype = space.sample(random)
    assert genotype in space
    for _ in range(5):
        mutated = space.mutate(genotype, random)
        assert mutated in space
        assert mutated != genotype
        assert differing(space, genotype, mutated) == 1
        genotype = mutated


@tiny
def test_mutation_reaches_every_genotype(space: Space) -> None:
    random, genotype = Random(0), next(iter(space))
    seen = {genotype}
    for _ in range(60 * space.size):
        genotype = space.mutate(genotype, random)
        seen.add(genotype)
    assert seen == set(space)


@all_kinds
def test_neighbours_are_one_for_every_other_option(space: Space) -> None:
    random = Random(2)
    for _ in range(10):
        genotype = space.sample(random)
        neighbours = list(space.neighbours(genotype))
        assert len(neighbours) == len(set(neighbours)) == sum(count - 1 for count in open_choices(space, genotype))
        assert all(neighbour in space for neighbour in neighbours)
        assert {differing(space, genotype, neighbour) for neighbour in neighbours} == {1}


@all_kinds
def test_only_genotypes_of_the_space_are_in_it(space: Space) -> None:
    assert not any(value in space for value in (None, "chain", 3, space))
    for other in (*TINY.values(), *LARGE.values()):
        if other.kind != space.kind:
            foreign = other.sample(Random(0))
            assert foreign not in space
            with pytest.raises(HnasError, match="of this search space"):
                space.mutate(foreign, Random(0))


@all_kinds
@pytest.mark.parametrize("count", [1, 5, 24])
def test_fair_genotypes_are_of_the_space_and_of_the_seed(space: Space, count: int) -> None:
    group = space.fair(count, Random(count))
    assert len(group) == count
    assert all(genotype in space for genotype in group)
    assert space.fair(count, Random(count)) == group


@all_kinds
def test_json_round_trips(space: Space, tmp_path: Path) -> None:
    random, path = Random(3), tmp_path / "genotype.json"
    for _ in range(10):
        genotype = space.sample(random)
        assert read_genotype(genotype.to_dict()) == genotype
        assert parse_genotype(genotype.to_json()) == genotype
        assert genotype.to_dict()["format"] == KINDS[genotype.kind].format
        path.write_text(genotype.to_json())
        assert load_genotype(path) == load_genotype(str(path)) == genotype
        assert hash(load_genotype(path)) == hash(genotype)


@tiny
def test_words_for_a_person_tell_genotypes_apart(space: Space) -> None:
    genotypes = list(space)
    assert len({genotype.summary() for genotype in genotypes}) == len(genotypes)
    assert len({"\n".join(genotype.lines()) for genotype in genotypes}) == len(genotypes)
    for genotype in genotypes[:: max(1, len(genotypes) // 40)]:
        assert all("\n" not in line for line in (genotype.summary(), *genotype.lines()))


@tiny
def test_every_genotype_answers_the_same_questions(space: Space) -> None:
    asked = {tuple(genotype.chosen()) for genotype in space}
    assert len(asked) == 1
    for genotype in space:
        for answers in genotype.chosen().values():
            assert answers
            assert all(isinstance(answer, str) for answer in answers)
    named = {answer for genotype in space for answers in genotype.chosen().values() for answer in answers}
    known = {name for names in KINDS[space.kind].operations.values() for name in names}
    assert named & known


@all_kinds
@pytest.mark.parametrize("scale", [None, 3])
def test_drawings_are_well_formed(space: Space, scale: int | None) -> None:
    random = Random(4)
    for _ in range(5):
        genotype = space.sample(random)
        root = ElementTree.fromstring(genotype_svg(genotype, scale=scale))
        texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert any("×3" in text and "enlarges" in text for text in texts) == (scale == 3)
        width, height = (float(root.attrib[name]) for name in ("width", "height"))
        for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
            x, y, wide, high = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
            assert min(x, y) >= 0
            assert x + wide <= width + 1
            assert y + high <= height + 1


@pytest.mark.parametrize("space", LARGE.values(), ids=LARGE.keys())
def test_drawings_are_written_as_pictures(space: Space, tmp_path: Path) -> None:
    draw_genotype(space.sample(Random(0)), tmp_path / "a.png", scale=2)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.convert("RGB").getextrema() != ((255, 255),) * 3
