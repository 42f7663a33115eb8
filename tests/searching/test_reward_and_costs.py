from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from hnas.errors import HnasError
from hnas.nets import NetworkSettings, network_cost
from hnas.searching.costs import CostTable
from hnas.searching.reward import joint_reward
from hnas.searching.settings import Limits, SearchSettings
from hnas.space import NAMED_GENOTYPES


def test_reward_is_equation_1() -> None:
    reward = joint_reward(30.0, 0.5, 0.6)
    assert reward.psnr_term == pytest.approx(18.0)
    assert reward.cost_term == pytest.approx(0.2)
    assert reward.value == pytest.approx(0.6 * 30.0 - 0.4 * 0.5)


def test_costs_are_those_of_the_trained_network() -> None:
    table = CostTable(SearchSettings())
    for name, giga in (("HNAS-A", 357.3), ("HNAS-B", 490.7), ("HNAS-C", 626.8)):
        assert table(NAMED_GENOTYPES[name]).macs / 1e9 == pytest.approx(giga, abs=0.5)


def test_a_cost_does_not_depend_on_what_came_before() -> None:
    settings = SearchSettings()
    genotypes = [settings.space.sample(Random(seed)) for seed in range(12)]
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
    drawn = [table(settings.space.sample(random)).relative for _ in range(2000)]
    assert sum(drawn) / len(drawn) == pytest.approx(1.0, abs=0.05)
    stated = CostTable(SearchSettings(layers=4, cost="params", cost_reference=1e6))
    cost = stated(settings.space.sample(random))
    assert cost.relative == pytest.approx(cost.params / 1e6)


def test_limits_and_latency() -> None:
    settings = SearchSettings(cost="latency")
    with pytest.raises(HnasError, match="build-table"):
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
    cheapest = min(table(genotype).macs for genotype in settings.space)
    with pytest.raises(
        HnasError, match=rf"the cheapest genotype has {cheapest / 1e9:.4g} G multiply-adds.*raise max_macs"
    ):
        table.usage(Limits(macs=0.99 * cheapest))
    assert table.usage(Limits(macs=cheapest))(settings.space.sample(Random(0))) >= 1.0
