"""The expected cost of a space, against the sum over all of its genotypes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from hnas.conformance import rewards
from hnas.nets import family_of
from hnas.searching.settings import SearchSettings

CELLS = SearchSettings(
    layers=3,
    nodes=1,
    normal_operations=("identity", "rcab"),
    upsampling_operations=("area", "sub_pixel"),
    target_channels=5,
)
CHAINS = rewards.SPACES["chain"]
SPACES = {
    "cells of one node": CELLS,
    "one cell": replace(CELLS, layers=1),
    "cells of two nodes": replace(
        CELLS, layers=2, nodes=2, normal_operations=("conv_3x3",), upsampling_operations=("deconvolution",), scale=3
    ),
    "chains": CHAINS,
    "chains of luma": replace(CHAINS, widths=(8, 16), depths=(4, 2), blocks=("conv_3x3",), after=(0, 2), colour="luma"),
}


@pytest.mark.parametrize("settings", SPACES.values(), ids=SPACES)
def test_it_is_the_mean_over_all_genotypes_and_so_is_its_gradient(settings: SearchSettings) -> None:
    space, family, size = settings.search_space, family_of(settings.space, settings), (6, 9)
    generator = torch.Generator().manual_seed(0)
    logits = [
        torch.randn(choice.options, generator=generator, dtype=torch.double).requires_grad_()
        for head in space.heads
        for choice in head.choices
    ]
    probabilities = [each.softmax(0) for each in logits]
    likely, macs, params = [], [], []
    for genotype in space:
        tokens = space.encode(genotype)
        chosen = [
            probabilities[place][token]
            for place, token in enumerate(tokens)
            if space.open_options(tokens[:place]) > 1 or len(logits[place]) == 1
        ]
        likely.append(torch.stack(chosen).prod())
        cost = family.cost(genotype, size)
        macs.append(float(cost.macs))
        params.append(float(cost.params))
    weights = torch.stack(likely)
    assert weights.sum().item() == pytest.approx(1.0)
    expected = family.expected_cost(space, probabilities, size)

    def gradient(value: Tensor) -> list[Tensor]:
        found = torch.autograd.grad(value, logits, retain_graph=True, allow_unused=True)
        return [torch.zeros(len(of)) if one is None else one for one, of in zip(found, logits, strict=True)]

    for found, each in ((expected.macs, macs), (expected.params, params)):
        summed = weights @ torch.tensor(each, dtype=torch.double)
        assert found.item() == pytest.approx(summed.item())
        for one, other in zip(gradient(found), gradient(summed), strict=True):
            assert one.tolist() == pytest.approx(other.tolist(), abs=1e-9 * summed.item())
        assert any(one.abs().max() > 1e-3 * summed.item() for one in gradient(found))
