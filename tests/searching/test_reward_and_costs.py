from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import atan2, hypot
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnas.errors import HnasError
from hnas.nets import NetworkSettings, network_cost
from hnas.searching.candidate_cost import CandidateCost
from hnas.searching.costs import CostTable
from hnas.searching.reward import Scored, Spread, joint_reward
from hnas.searching.settings import Limits, SearchSettings
from hnas.space.cells import NAMED_GENOTYPES


def test_reward_is_equation_1() -> None:
    reward = joint_reward(30.0, 0.5, 0.6)
    assert reward.psnr_term == pytest.approx(18.0)
    assert reward.cost_term == pytest.approx(0.2)
    assert reward.value == pytest.approx(0.6 * 30.0 - 0.4 * 0.5)


def batch(psnrs: Sequence[float], costs: Sequence[float]) -> list[Scored]:
    genotype = NAMED_GENOTYPES["HNAS-A"]
    return [
        Scored(genotype, psnr, psnr - 30.0, CandidateCost(1, 1, None, cost), joint_reward(psnr, cost, 0.5))
        for psnr, cost in zip(psnrs, costs, strict=True)
    ]


def test_the_spread_of_a_reward_is_that_of_its_terms_over_all_batches() -> None:
    """Standard deviations 0.1 and 0.3 of PSNR, 1 and 3 of cost; a single genotype has none."""
    spread = Spread().after(batch([30.0, 30.1, 30.2], [1.0, 2.0, 3.0])).after(batch([31.0], [1.0]))
    spread = spread.after(batch([30.0, 30.3, 30.6], [1.0, 4.0, 7.0]))
    assert spread.of_reward(0.75) == pytest.approx(hypot(0.75 * 0.2, 0.25 * 2.0))
    assert Spread().of_reward(0.75) == 1.0
    # Halfway between cost alone and PSNR alone both terms differ alike: lambda * 0.2 = (1 - lambda) * 2.
    assert spread.lam_between(1e-9, 1 - 1e-9, 0.5) == pytest.approx(2.0 / 2.2)


@given(st.floats(0.01, 0.98), st.floats(0.001, 0.99), st.floats(0, 1), st.floats(1e-4, 10), st.floats(1e-4, 10))
def test_the_way_between_two_lambdas_is_even_in_the_direction_of_the_reward(
    low: float, more: float, part: float, psnr: float, cost: float
) -> None:
    spread, high = Spread(psnr, cost, 1), low + (0.99 - low) * more
    way = [spread.lam_between(low, high, at) for at in (0.0, part, 1.0)]
    assert all(after >= before - 1e-12 for before, after in pairwise(way))
    assert (way[0], way[2]) == pytest.approx((low, high))
    angles = [atan2(lam * psnr, (1 - lam) * cost) for lam in way]
    assert angles[1] - angles[0] == pytest.approx(part * (angles[2] - angles[0]), abs=1e-6)
    assert spread.lam_between(low, low, part) == low


def test_costs_are_those_of_the_trained_network() -> None:
    table = CostTable(SearchSettings())
    for name, giga in (("HNAS-A", 357.3), ("HNAS-B", 490.7), ("HNAS-C", 626.8)):
        assert table(NAMED_GENOTYPES[name]).macs / 1e9 == pytest.approx(giga, abs=0.5)


def test_a_cost_does_not_depend_on_what_came_before() -> None:
    settings = SearchSettings()
    genotypes = [settings.search_space.sample(Random(seed)) for seed in range(12)]
    forwards, backwards = CostTable(settings), CostTable(settings)
    first = [forwards(genotype) for genotype in genotypes]
    second = [backwards(genotype) for genotype in reversed(genotypes)]
    assert first == second[::-1]
    for genotype, cost in zip(genotypes, first, strict=True):
        assert cost.macs == network_cost(genotype, NetworkSettings(channels=64)).macs
        assert cost.relative == pytest.approx(cost.macs / forwards.reference)


def test_the_reference_is_the_mean_of_the_space_or_what_is_said() -> None:
    settings = SearchSettings(layers=4)
    table = CostTable(settings)
    random = Random(42)
    drawn = [table(settings.search_space.sample(random)).relative for _ in range(2000)]
    assert sum(drawn) / len(drawn) == pytest.approx(1.0, abs=0.05)
    stated = CostTable(SearchSettings(layers=4, cost="params", cost_reference=1e6))
    cost = stated(settings.search_space.sample(random))
    assert cost.relative == pytest.approx(cost.params / 1e6)


def test_limits_and_latency() -> None:
    settings = SearchSettings(cost="latency")
    with pytest.raises(HnasError, match="latency as cost or limit needs predictions"):
        CostTable(settings)
    a, b = NAMED_GENOTYPES["HNAS-A"], NAMED_GENOTYPES["HNAS-B"]
    table = CostTable(settings, predict_latency=lambda genotype: network_cost(genotype, NetworkSettings()).macs / 1e10)
    assert table(a).relative < table(b).relative
    assert [table.usage(Limits(latency=40.0))(genotype) for genotype in (a, b)] == pytest.approx(
        [35.73 / 40, 49.07 / 40], abs=0.01
    )
    # 357.3 G and 490.7 G; the tighter limit counts.
    usage = table.usage(Limits(macs=400e9, latency=80.0))
    assert [usage(genotype) for genotype in (a, b)] == pytest.approx([357.3 / 400, 490.7 / 400], abs=0.01)
    assert table.usage(Limits())(b) == 0.0


def test_a_limit_is_the_reference_of_its_cost() -> None:
    settings = SearchSettings(layers=4, max_macs="300G", max_params="1M")
    assert CostTable(settings).reference == 300e9
    assert CostTable(replace(settings, cost="params")).reference == 1e6
    assert CostTable(replace(settings, cost_reference=5e9)).reference == 5e9
    assert CostTable(replace(settings, cost="params", max_params=0)).reference not in (0.0, 300e9)


def test_a_limit_below_the_cheapest_genotype_names_it() -> None:
    settings = SearchSettings(
        layers=3,
        nodes=1,
        normal_operations=("identity", "rcab"),
        upsampling_operations=("area", "deconvolution"),
        target_channels=16,
    )
    table = CostTable(settings)
    cheapest = min(table(genotype).macs for genotype in settings.search_space)
    with pytest.raises(
        HnasError, match=rf"the cheapest genotype has {cheapest / 1e9:.4g} G multiply-adds.*raise max_macs"
    ):
        table.usage(Limits(macs=0.99 * cheapest))
    assert table.usage(Limits(macs=cheapest))(settings.search_space.sample(Random(0))) >= 1.0
