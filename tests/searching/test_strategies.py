from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from statistics import fmean, stdev
from typing import Any

import pytest
import torch

from hnas.errors import HnasError
from hnas.searching.candidate_cost import CandidateCost
from hnas.searching.reward import Scored, Spread, joint_reward
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import build_strategy, pareto_ranks
from hnas.searching.strategies.reinforce import ControllerStrategy, policy_loss
from hnas.settings import load_settings, read_config
from hnas.space.cells import CellGenotype, CellSpace

LAM = 0.5


def quality(genotype: CellGenotype) -> float:
    """A made-up PSNR with one best genotype: sep_conv_3x3 everywhere, sub_pixel everywhere, position 2."""
    edges = (*genotype.normal.edges, *genotype.upsampling.edges)
    return sum(edge.operation in ("sep_conv_3x3", "sub_pixel") for edge in edges) + genotype.position


def scored(genotypes: Sequence[CellGenotype], lam: float = LAM, noise: float = 0.0) -> list[Scored]:
    cost = CandidateCost(macs=1, params=1, latency=None, relative=0.0)
    return [
        Scored(one, quality(one) + noise, quality(one), cost, joint_reward(quality(one) + noise, 0.0, lam))
        for one in genotypes
    ]


def anything(genotype: CellGenotype) -> float:
    return 0.0


def controller(settings: SearchSettings) -> ControllerStrategy:
    strategy = build_strategy(replace(settings, strategy="controller"), anything)
    assert isinstance(strategy, ControllerStrategy)
    return strategy


def run(settings: SearchSettings, updates: int) -> float:
    """Mean made-up quality of what the strategy proposes after so many updates."""
    strategy = build_strategy(settings, anything)
    for update in range(updates):
        asked = strategy.ask(settings.samples, lam=LAM, random=Random(update))
        strategy.tell(scored(asked, noise=Random(-update - 1).gauss(0, 3)), lam=LAM, spread=Spread())
    return fmean(quality(genotype) for genotype in strategy.ask(100, lam=LAM, random=Random("test")))


@pytest.mark.parametrize("name", ["controller", "controller-flat", "evolution"])
def test_strategies_beat_chance_though_the_pictures_of_a_batch_move_all_scores(tiny: SearchSettings, name: str) -> None:
    settings = replace(tiny, strategy=name, samples=4, rounds=40, controller_lr=2e-2, population=20, tournament=5)
    chance = run(replace(settings, strategy="random"), 1)
    assert chance == pytest.approx(3.5, abs=0.3)  # 2 of 4 edges, and a position of 1.5
    assert run(settings, settings.updates) > chance + 1.0


def test_limits_out_of_reach_are_said(tiny: SearchSettings) -> None:
    strategy = build_strategy(replace(tiny, strategy="random"), lambda genotype: 2.5)
    with pytest.raises(HnasError, match=r"within all limits .* 2\.50 times what is allowed.*raise max_macs"):
        strategy.ask(2, lam=LAM, random=Random(0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 1}, "use baseline ema"),
        ({"baseline": "ema", "lam": "0.1..0.9"}, "leave-one-out with a range"),
        ({"baseline": "ema", "standardise": True, "samples": 1}, "set samples to 2 or more"),
    ],
)
def test_settings_that_are_not_for_the_controller_are_named(
    tiny: SearchSettings, changes: dict[str, Any], message: str
) -> None:
    settings = replace(tiny, **changes)
    with pytest.raises(HnasError, match=message):
        build_strategy(settings, anything)
    build_strategy(replace(settings, strategy="random"), anything)  # which has no use for them


def test_leave_one_out_compares_with_the_others_of_the_batch(tiny: SearchSettings) -> None:
    strategy = controller(replace(tiny, samples=4))
    advantages, baseline = strategy.advantages([1.0, 2.0, 3.0, 6.0])
    assert advantages == pytest.approx([1 - 11 / 3, 2 - 10 / 3, 3 - 9 / 3, 6 - 6 / 3])
    assert baseline == pytest.approx(3.0)


def test_moving_average_is_of_the_rewards_before(tiny: SearchSettings) -> None:
    settings = replace(tiny, baseline="ema", samples=1, baseline_decay=0.9)
    strategy = controller(settings)
    assert strategy.advantages([10.0]) == ([0.0], 10.0)
    assert strategy.advantages([12.0]) == ([2.0], 10.0)
    assert strategy.advantages([12.0])[1] == pytest.approx(10.2)


def test_leave_one_out_has_the_smaller_variance_of_the_gradient(tiny: SearchSettings) -> None:
    """Scores move by 3 dB with the pictures of the batch and by 1 with the genotype."""
    space = tiny.search_space

    def variance(settings: SearchSettings) -> float:
        strategy = controller(settings)
        parameters = list(strategy.controller.parameters())
        gradients = []
        for draw in range(60):
            content = Random(draw).gauss(0, 3)
            # Four evaluations for either: one group of four, or four single samples on pictures of their own.
            for index in range(4 // settings.samples):
                pictures = content if index == 0 else Random(f"{draw}{index}").gauss(0, 3)
                policy = strategy.controller.sample(settings.samples, torch.Generator().manual_seed(10 * draw + index))
                rewards = [one.reward.value for one in scored(policy.genotypes, noise=pictures)]
                advantages, _ = strategy.advantages(rewards)
                loss = policy_loss(policy, advantages, 0.0)
                grads = torch.autograd.grad(loss, parameters, allow_unused=True)
                flat = torch.cat([g.flatten() for g in grads if g is not None])
                gradients.append(flat)
        steps = torch.stack(gradients).view(60, 4 // settings.samples, -1).mean(1)
        return steps.var(0).sum().item()

    assert space.size == 512
    grouped = variance(replace(tiny, samples=4))
    single = variance(replace(tiny, samples=1, baseline="ema"))
    assert grouped < 0.5 * single


def test_pareto_ranks_are_those_of_the_definition() -> None:
    """Front after front, each found by comparing every pair (Deb et al., 2002, non-dominated sorting)."""
    random = Random(3)
    points = [(random.randint(0, 6), random.randint(0, 6)) for _ in range(40)]
    ranks = pareto_ranks(points)
    for point, rank in zip(points, ranks, strict=True):
        better = [
            other
            for p, other in zip(points, ranks, strict=True)
            if p[0] >= point[0] and p[1] >= point[1] and p != point
        ]
        # The longest chain of points, each dominating the next, that ends here.
        assert rank == (max(better) + 1 if better else 0)


def test_in_evolution_the_oldest_leaves_however_good(tiny: SearchSettings) -> None:
    settings = replace(tiny, strategy="evolution", population=4, tournament=2)
    strategy = build_strategy(settings, anything)
    best = max(settings.search_space, key=quality)
    strategy.tell(scored([best]), lam=LAM, spread=Spread())
    assert strategy.finalists(1, lam=LAM, random=Random(0)) == [best]
    strategy.tell(scored([settings.search_space.sample(Random(seed)) for seed in range(4)]), lam=LAM, spread=Spread())
    assert len(strategy.state_dict()["population"]) == 4
    assert best not in strategy.finalists(4, lam=LAM, random=Random(0))


def test_evolution_proposes_from_its_population_what_keeps_within_limits_of_later(tiny: SearchSettings) -> None:
    settings = replace(tiny, strategy="evolution", population=20, tournament=2)
    first = build_strategy(settings, anything)
    first.tell(scored(first.ask(20, lam=LAM, random=Random(0))), lam=LAM, spread=Spread())
    limited = build_strategy(settings, lambda genotype: 2.0 / genotype.position)
    limited.load_state_dict(first.state_dict())
    found = limited.finalists(3, lam=LAM, random=Random(1))
    assert len(found) == 3
    assert {genotype.position for genotype in found} == {2}


@pytest.mark.parametrize("count", [7, 14])
def test_fair_genotypes_show_every_operation_of_every_edge_equally_often(count: int) -> None:
    space = CellSpace(layers=7)
    genotypes = space.fair(count, Random(0))
    assert all(genotype in space for genotype in genotypes)
    for node in range(space.nodes):
        for slot in range(2):
            names = [genotype.normal.nodes[node][slot].operation for genotype in genotypes]
            assert {names.count(name) for name in space.normal_operations} == {count // 7}
    assert {[g.position for g in genotypes].count(position) for position in range(1, 8)} == {count // 7}


def test_standardised_updates_do_not_depend_on_the_scale_of_the_reward(tiny: SearchSettings) -> None:
    settings = replace(tiny, samples=4, standardise=True, entropy_weight=0.04)
    entropies = []
    for factor in (1.0, 100.0):
        strategy, spread = controller(settings), Spread()
        for update in range(5):
            genotypes = strategy.ask(4, lam=LAM, random=Random(update))
            group = [
                replace(one, psnr=factor * one.psnr, reward=joint_reward(factor * one.psnr, 0.0, LAM))
                for one in scored(genotypes)
            ]
            spread = spread.after(group)
            numbers = strategy.tell(group, lam=LAM, spread=spread)
        entropies.append(numbers["entropy"])
    assert entropies[0] == pytest.approx(entropies[1], rel=1e-5)


@pytest.mark.slow
def test_the_presets_controller_finds_the_good_part_of_a_large_space() -> None:
    """Four layers of the paper's cells, 160 evaluations, every choice with an effect of its own (docs/search.md)."""
    preset = load_settings(SearchSettings, read_config("cpu", "search"))
    settings = replace(preset, layers=4, rounds=40, controller_steps=1)
    space, draw = settings.search_space, Random(0)
    effects: dict[object, float] = {}

    def quality(genotype: CellGenotype) -> float:
        choices: list[tuple[object, ...]] = [("position", genotype.position)]
        for cell in (genotype.normal, genotype.upsampling):
            for place, edge in enumerate(cell.edges):
                choices += [(cell.kind, place, edge.operation), (cell.kind, place, edge.source), (edge.operation,)]
        return sum(effects.setdefault(choice, draw.gauss(0, 1)) for choice in choices)

    drawn = [quality(space.sample(draw)) for _ in range(2000)]
    mean, spread = fmean(drawn), stdev(drawn)

    def last_forty(name: str) -> float:
        strategy, usual = build_strategy(replace(settings, strategy=name), anything), Spread()
        values: list[float] = []
        for update in range(settings.updates):
            pictures = Random(-update - 1).gauss(30, 1)
            asked = strategy.ask(settings.samples, lam=LAM, random=Random(update))
            group = []
            for genotype in asked:
                value = (quality(genotype) - mean) / spread
                cost = CandidateCost(macs=1, params=1, latency=None, relative=0.0)
                psnr = pictures + 0.05 * value
                group.append(Scored(genotype, psnr, 0.05 * value, cost, joint_reward(psnr, 0.0, LAM)))
                values.append(value)
            usual = usual.after(group)
            strategy.tell(group, lam=LAM, spread=usual)
        return fmean(values[-40:])

    assert last_forty("random") < 0.5
    assert last_forty("controller") > 3.0
