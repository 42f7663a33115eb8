"""Costs and limits over every kind of space, against the whole enumerated space."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from statistics import fmean

import pytest

from hnas.errors import HnasError
from hnas.searching.costs import CostTable
from hnas.searching.settings import Limits, SearchSettings
from hnas.searching.within import cheapest, draw_uniformly
from hnas.space import Genotype
from tests.space.spaces import TINY_CELLS, TINY_CHAINS

CELLS = SearchSettings(
    layers=TINY_CELLS.layers, nodes=TINY_CELLS.nodes, normal_operations=TINY_CELLS.normal_operations,
    upsampling_operations=TINY_CELLS.upsampling_operations, target_channels=4, lr_size="10x10",
)  # fmt: skip
CHAINS = SearchSettings(
    space="chain", widths=TINY_CHAINS.widths, depths=TINY_CHAINS.depths, blocks=TINY_CHAINS.blocks,
    after=TINY_CHAINS.after, colour=TINY_CHAINS.colour, lr_size="10x10",
)  # fmt: skip
both = pytest.mark.parametrize("settings", [CELLS, CHAINS], ids=["cells", "chain"])


@both
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("name", ["macs", "params"])
def test_the_cheapest_is_found_by_single_changes(settings: SearchSettings, scale: int, name: str) -> None:
    settings = replace(settings, scale=scale)
    table = CostTable(settings)

    def cost(genotype: Genotype) -> float:
        return float(getattr(table(genotype), name))

    costs = [cost(genotype) for genotype in settings.search_space]
    assert cost(cheapest(settings.search_space, cost)) == min(costs)
    assert table.usage(Limits(**{name: min(costs)}))
    with pytest.raises(HnasError, match=f"max_{name} is .*, and the cheapest genotype has"):
        table.usage(Limits(**{name: min(costs) - 1}))


@both
def test_the_reference_is_the_mean_of_the_space(settings: SearchSettings) -> None:
    """Of a thousand uniform draws: to within a few hundredths that of all genotypes."""
    table = CostTable(settings)
    assert table.reference == pytest.approx(fmean(table(one).macs for one in settings.search_space), rel=0.06)
    assert fmean(table(one).relative for one in settings.search_space) == pytest.approx(1.0, rel=0.06)


@both
@pytest.mark.parametrize("part", [0.03, 0.4])
def test_draws_within_limits_are_all_that_keeps_them(settings: SearchSettings, part: float) -> None:
    table, space = CostTable(settings), settings.search_space
    costs = sorted(table(genotype).macs for genotype in space)
    limit = costs[int(part * len(costs))]
    within = {genotype for genotype in space if table(genotype).macs <= limit}
    drawn = Counter(draw_uniformly(12 * len(within), space, table.usage(Limits(macs=limit)), Random(0)))
    assert set(drawn) <= within
    assert len(drawn) > 0.95 * len(within)
    assert max(drawn.values()) < 40


@both
def test_a_limit_of_latency_needs_predictions(settings: SearchSettings) -> None:
    with pytest.raises(HnasError, match="needs predictions"):
        CostTable(replace(settings, max_latency="5ms"))
    with pytest.raises(HnasError, match="needs predictions"):
        CostTable(settings).usage(Limits(latency=5.0))
