"""What scores genotypes is handed to a search: by shared weights, by training alone, from a table."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

from hnas.searching.building import search_by
from hnas.searching.evaluators import ScoreFolder, TabulatedEvaluator, short, train_shortly
from hnas.searching.pictures import training_patches
from hnas.searching.scoring import batch_psnr
from hnas.searching.searcher import Searcher
from hnas.space import Genotype

Make = Callable[..., Searcher]


def genotypes(searcher: Searcher, count: int) -> list[Genotype]:
    random = Random(7)
    return [searcher.settings.search_space.sample(random) for _ in range(count)]


def test_training_alone_builds_no_supernet_and_keeps_no_network(
    make_searcher: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_supernet(*_: Any) -> None:
        raise AssertionError("a supernet was built")

    networks: list[weakref.ref[nn.Module]] = []

    def watched(*arguments: Any) -> nn.Module:
        network = train_shortly(*arguments)
        networks.append(weakref.ref(network))
        return network

    monkeypatch.setattr("hnas.searching.shared_training.build_supernet", no_supernet)
    monkeypatch.setattr(short, "train_shortly", watched)
    searcher = make_searcher(scorer="short", strategy="random", samples=4)
    assert searcher.weights is None
    assert searcher.rounds == searcher.settings.rounds  # there is nothing to warm up
    _, scored = searcher.run_round()
    distinct = {one.genotype for one in scored}
    gc.collect()
    assert len(networks) == len(distinct)
    assert [network() for network in networks] == [None] * len(distinct)
    assert "supernet" not in searcher.state_dict()
    # A derivation asks on other pictures, without another training.
    again = searcher.score_all(list(distinct), searcher.pictures.validation, 0.5)
    assert len(networks) == len(distinct)
    network = train_shortly(
        again[0].genotype,
        searcher.settings,
        training_patches(searcher.settings, searcher.pictures.splits),
        searcher.fabric,
    )
    lr, hr = searcher.pictures.validation
    with torch.no_grad():
        assert again[0].psnr == pytest.approx(batch_psnr(network(lr), hr, 2), abs=1e-4)


def test_a_table_on_disk_serves_whoever_shares_its_folder(make_searcher: Make, tmp_path: Path) -> None:
    searcher = make_searcher()
    first, second = searcher.pictures.validation, searcher.pictures.scoring.batch(0)
    asked: list[Genotype] = []

    def score(genotype: Genotype) -> list[float]:
        asked.append(genotype)
        return [30.0 + len(asked), 40.0]

    table = TabulatedEvaluator(score, [first, second], ScoreFolder(tmp_path / "scores"))
    one, other = genotypes(searcher, 2)
    assert not (tmp_path / "scores").exists()
    assert [table(one, *first), table(one, *second), table(other, *first), table(one, *first)] == [
        31.0,
        40.0,
        32.0,
        31.0,
    ]
    assert asked == [one, other]
    shared = TabulatedEvaluator(lambda genotype: pytest.fail("scored again"), [first], ScoreFolder(tmp_path / "scores"))
    assert [shared(one, *first), shared(other, *first)] == [31.0, 32.0]
    with pytest.raises(ValueError, match="these are others"):
        shared(one, *second)


def test_a_search_by_the_weights_of_another_has_its_scores_those_of_the_running_average_too(
    make_searcher: Make,
) -> None:
    base = make_searcher(ema=0.5, lr=1e-2)
    for step in range(3):
        base.w_step(step)
    other = search_by(base, replace(base.settings, seed=5, strategy="random", warmup=0, w_steps=0))
    some = genotypes(base, 4)
    by_both = [one.score_all(some, base.pictures.validation, 0.5) for one in (base, other)]
    assert by_both[0] == by_both[1]
    untrained = make_searcher(ema=0.5).score_all(some, base.pictures.validation, 0.5)
    assert [one.psnr for one in by_both[1]] != [one.psnr for one in untrained]
    _, scored = other.run_round()
    assert {one.genotype for one in scored} <= set(base.settings.search_space)


def test_searches_by_one_table_see_its_pictures_whatever_their_seed(make_searcher: Make) -> None:
    base = make_searcher(scorer="short", short_steps=1)
    other = search_by(base, replace(base.settings, seed=9, strategy="random"))
    assert other.evaluator is base.evaluator
    _, scored = other.run_round()  # on pictures that the table knows
    assert len(scored) == 4
