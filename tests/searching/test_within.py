from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from hnas.conformance.rewards import by_its_scorer
from hnas.errors import HnasError
from hnas.nets import NetworkSettings, network_cost
from hnas.searching import within
from hnas.searching.costs import CostTable
from hnas.searching.settings import Limits, SearchSettings
from hnas.searching.strategies import STRATEGIES, build_strategy
from hnas.searching.within import cheapest, draw_uniformly, draw_within
from hnas.space.cells import CellGenotype, CellSpace
from tests.searching.rewards import skip_absent


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_fills_a_limit_that_hardly_any_genotype_keeps(name: str) -> None:
    """12 layers, 16 channels, 10 G: of 3,000 uniform draws, none had less than 11.7 G."""
    skip_absent(name)
    settings = by_its_scorer(SearchSettings(strategy=name, target_channels=16, max_macs="10G", hidden=20))
    strategy = build_strategy(settings, CostTable(settings).usage(settings.limits))
    asked = strategy.ask(4, lam=0.5, random=Random(0))
    assert len(set(asked)) == 4
    for genotype in asked:
        assert genotype in settings.search_space
        assert network_cost(genotype, NetworkSettings(channels=16)).macs <= 10e9


def test_it_is_the_same_again_with_the_same_random() -> None:
    settings = SearchSettings(target_channels=16, max_macs="10G")
    usage = CostTable(settings).usage(settings.limits)
    first, second = (draw_uniformly(3, settings.search_space, usage, Random(5)) for _ in range(2))
    assert first == second


def test_made_to_fit_it_keeps_what_the_distribution_chose() -> None:
    """A distribution that always proposes one genotype, one choice away from the limit."""
    space = CellSpace(layers=3)
    start = space.sample(Random(1))

    def usage(genotype: CellGenotype) -> float:
        return 1.0 + sum(edge.operation == "area" for edge in genotype.upsampling.edges) - allowed

    allowed = sum(edge.operation == "area" for edge in start.upsampling.edges) - 1
    assert allowed >= 0
    (found,) = draw_within(1, lambda many: [start] * many, usage, space=space, random=Random(0))
    assert usage(found) <= 1.0
    assert found in set(space.neighbours(start))


def test_what_is_made_to_fit_a_uniform_distribution_is_spread_over_all_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of all normal cells 16 are within the limit; each should come up equally often (chi-squared, 15 degrees)."""
    monkeypatch.setattr(within, "_DRAWS_EACH", 1)  # nearly nothing is kept as it was drawn
    space = CellSpace(layers=2, nodes=1)

    def usage(genotype: CellGenotype) -> float:
        wrong = sum(edge.operation not in ("sep_conv_3x3", "rcab") for edge in genotype.normal.edges)
        wrong += sum(edge.operation != "area" for edge in genotype.upsampling.edges)
        return 1.0 + wrong + (genotype.position != 1)

    drawn = draw_uniformly(160, space, usage, Random(2))
    assert all(usage(genotype) <= 1.0 for genotype in drawn)
    counts = Counter(genotype.normal for genotype in drawn)
    assert len(counts) == 16
    assert sum((count - 10) ** 2 / 10 for count in counts.values()) < 37.7  # 0.1 % of uniform draws exceed it


def test_limits_that_exclude_each_other_are_said() -> None:
    settings = SearchSettings(layers=4, target_channels=16)

    def params(genotype: CellGenotype) -> int:
        return network_cost(genotype, NetworkSettings(channels=16)).params

    least = params(cheapest(settings.search_space, params))
    table = CostTable(settings, predict_latency=lambda genotype: 1e4 - params(genotype) / 1e3)
    usage = table.usage(Limits(params=1.5 * least, latency=1e4 - 3 * least / 1e3))
    with pytest.raises(HnasError, match="no genotype was found within all limits together"):
        draw_uniformly(1, settings.search_space, usage, Random(0))
