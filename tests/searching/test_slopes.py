"""The gradient of a score by what the decisions of a genotype chose, against that of the weights behind it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hnas.nets import family_of
from hnas.searching.evaluators import Differentiable, SharedEvaluator, TabulatedEvaluator
from hnas.searching.scoring import psnr_of_each
from hnas.searching.searcher import Searcher
from hnas.searching.strategies import wants_slopes
from hnas.space.cells import Cell, CellGenotype, Edge
from hnas.space.chain import ChainGenotype

Make = Callable[..., Searcher]
CHAINS: dict[str, Any] = {
    "space": "chain",
    "widths": (3, 4),
    "depths": (2, 3),
    "blocks": ("conv_3x3", "residual_3x3"),
    "after": (0, 1),
    "colour": "rgb",
}
SPACES: dict[str, dict[str, Any]] = {"cells": {"nodes": 2, "layers": 3}, "chain": CHAINS}
spaces = pytest.mark.parametrize("space", SPACES)


def evaluator_of(searcher: Searcher) -> SharedEvaluator:
    """With weights that have learnt a little: at the start a tail is next to nothing."""
    assert isinstance(searcher.evaluator, SharedEvaluator)
    for step in range(4):
        searcher.w_step(step)
    return searcher.evaluator


@spaces
def test_the_score_is_that_of_a_call_and_no_weight_is_left_with_a_gradient(space: str, make_searcher: Make) -> None:
    searcher = make_searcher(**SPACES[space], score_batch=20, patch=24)  # more pixels than are scored at once
    evaluator, pictures = evaluator_of(searcher), searcher.pictures.scoring.batch(0)
    decisions = sum(len(head.choices) for head in searcher.settings.search_space.heads)
    for seed in range(4):
        genotype = searcher.settings.search_space.sample(Random(seed))
        psnr, slopes = evaluator.with_slopes(genotype, *pictures)
        assert psnr == evaluator(genotype, *pictures)
        assert len(slopes) == decisions
        assert any(slopes)
    assert all(weight.grad is None for weight in evaluator.weights.supernet.parameters())


def psnr(sr: Tensor, hr: Tensor) -> float:
    """On Y of BT.601, in double precision; rounding to 8 bits adds a twelfth to the squared error."""
    luma = torch.tensor([65.481, 128.553, 24.966], dtype=torch.double).view(1, 3, 1, 1)
    difference = ((sr.clamp(0.0, 1.0) - hr) * luma).sum(1)[:, 2:-2, 2:-2]
    return float((10.0 * (255.0**2 / (difference.square().mean((1, 2)) + 1 / 12)).log10()).mean())


@spaces
def test_a_slope_is_the_quotient_of_small_differences(space: str, make_searcher: Make) -> None:
    searcher = make_searcher(**SPACES[space])
    evaluator, (lr, hr) = evaluator_of(searcher), searcher.pictures.scoring.batch(0)
    genotype = searcher.settings.search_space.sample(Random(3))
    _, slopes = evaluator.with_slopes(genotype, lr, hr)
    supernet = evaluator.weights.supernet.double()
    step = 1e-5
    for place, slope in enumerate(slopes):
        psnrs = []
        for factor in (1.0 + step, 1.0 - step):
            gates = torch.ones(len(slopes), dtype=torch.double)
            gates[place] = factor
            with torch.no_grad():
                psnrs.append(psnr(supernet(lr.double(), genotype, gates), hr.double()))
        assert slope == pytest.approx((psnrs[0] - psnrs[1]) / (2 * step), rel=1e-3, abs=1e-4)


def slope_of_weights(weights: list[Tensor], loss: Tensor) -> float:
    """The derivative by a factor on all of these weights: Euler's sum."""
    gradients = torch.autograd.grad(loss, weights, retain_graph=True)
    return sum(float((weight * gradient).sum().detach()) for weight, gradient in zip(weights, gradients, strict=True))


def test_slopes_of_cells_are_those_of_the_last_weights_of_what_was_chosen(make_searcher: Make) -> None:
    """A factor on what an edge gives is one on its last convolution in all cells of the kind, and the position's one on
    the tail, where nothing is added behind them."""
    searcher = make_searcher(layers=3, nodes=1)
    evaluator, (lr, hr) = evaluator_of(searcher), searcher.pictures.scoring.batch(0)
    chosen = Edge("sep_conv_3x3", -1)
    genotype = CellGenotype(
        3,
        2,
        Cell("normal", ((chosen, Edge("identity", -2)),)),
        Cell("upsampling", ((Edge("nearest", -1), Edge("sub_pixel", -2)),)),
    )
    _, slopes = evaluator.with_slopes(genotype, lr, hr)
    supernet = evaluator.weights.supernet
    psnr = psnr_of_each(supernet(lr, genotype), hr, 2).mean()
    edges = dict(supernet.named_parameters())

    def last(cell: str, key: str) -> Tensor:
        (*_, name) = [name for name in edges if name.startswith(f"{cell}.edges.{key}.") and name.endswith("weight")]
        return edges[name]

    normal = slope_of_weights([last(f"normal.{index}", "0:0:-1:sep_conv_3x3") for index in range(2)], psnr)
    shuffled = slope_of_weights([last("upsampling", "0:1:-2:sub_pixel")], psnr)
    tail = slope_of_weights(list(supernet.get_submodule("tail").parameters()), psnr)
    # Sources, then operations, of both slots; normal, then upsampling cell; then the position.
    assert (slopes[0], slopes[2]) == (pytest.approx(normal, rel=1e-3), pytest.approx(normal, rel=1e-3))
    assert (slopes[5], slopes[7]) == (pytest.approx(shuffled, rel=1e-3), pytest.approx(shuffled, rel=1e-3))
    assert slopes[8] == pytest.approx(tail, rel=1e-3)


def test_slopes_of_chains_are_those_of_the_tail_and_none_of_blocks_that_are_not_there(make_searcher: Make) -> None:
    searcher = make_searcher(**CHAINS)
    evaluator, (lr, hr) = evaluator_of(searcher), searcher.pictures.scoring.batch(0)
    genotype = ChainGenotype(4, ("residual_3x3", "conv_3x3"), "rgb", 2)
    _, slopes = evaluator.with_slopes(genotype, lr, hr)
    supernet = evaluator.weights.supernet
    psnr = psnr_of_each(supernet(lr, genotype), hr, 2).mean()
    tail = slope_of_weights(list(supernet.get_submodule("trunks.4.exits.2-0.ends.tail").parameters()), psnr)
    assert slopes[:3] == pytest.approx((tail,) * 3, rel=1e-3)
    assert slopes[3] != 0.0
    assert slopes[4] != 0.0
    assert slopes[5] == 0.0  # the third block of chains of three


def test_a_search_asks_for_slopes_where_the_strategy_wants_them(make_searcher: Make) -> None:
    for name, wanted in (("darts", True), ("random", False)):
        searcher = make_searcher(strategy=name)
        assert wants_slopes(searcher.strategy) is wanted
        scored, _ = searcher.strategy_step(0)
        assert [bool(one.slopes) for one in scored] == [wanted] * 2
        again = searcher.score_all([one.genotype for one in scored], searcher.pictures.scoring.batch(0), 0.6)
        assert [one.psnr for one in again] == [one.psnr for one in scored]


def test_training_alone_has_no_slopes(make_searcher: Make) -> None:
    searcher = make_searcher(scorer="short", strategy="random", short_steps=1)
    assert isinstance(searcher.evaluator, TabulatedEvaluator)
    assert not isinstance(searcher.evaluator, Differentiable)
    assert isinstance(make_searcher().evaluator, Differentiable)


def test_gates_of_one_change_no_bit(make_searcher: Make) -> None:
    for space in SPACES.values():
        searcher = make_searcher(**space)
        settings = searcher.settings
        torch.manual_seed(0)
        supernet: nn.Module = family_of(settings.space, settings).supernet(settings.search_space)
        x = torch.rand(1, 3, 9, 8)
        decisions = sum(len(head.choices) for head in settings.search_space.heads)
        for seed in range(3):
            genotype = settings.search_space.sample(Random(seed))
            assert torch.equal(supernet(x, genotype), supernet(x, genotype, torch.ones(decisions)))
