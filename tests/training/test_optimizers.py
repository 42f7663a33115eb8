"""Muon against torch's own and against what its steps are defined by."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from hnas.training.optimizers import Muon, build_optimizer, orthogonal


@pytest.mark.parametrize("shape", [(3, 16, 144), (1, 12, 12), (2, 40, 9)])
def test_singular_values_come_near_one(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    before, after = (torch.linalg.svd(m, full_matrices=False) for m in (matrices, orthogonal(matrices)))
    assert after.S.min() > 0.4
    assert after.S.max() < 1.4
    # What is left of the matrix is the product of its singular vectors.
    assert torch.nn.functional.cosine_similarity(
        orthogonal(matrices).flatten(1), (before.U @ before.Vh).flatten(1)
    ).min() > 0.97  # fmt: skip


def test_a_matrix_changes_as_by_torchs_own() -> None:
    torch.manual_seed(0)
    start = torch.randn(16, 36)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    optimizers = (
        Muon([ours], lr=0.01),
        torch.optim.Muon([theirs], lr=0.01, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"),
    )
    for _ in range(5):
        gradient = torch.randn(16, 36)
        for parameter, optimizer in zip((ours, theirs), optimizers, strict=True):
            parameter.grad = gradient.clone()
            optimizer.step()
    change, wanted = ours - start, theirs - start
    assert (change - wanted).norm() < 0.02 * wanted.norm()  # theirs is computed in bfloat16


def test_a_bias_changes_as_by_adam() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Parameter(torch.zeros(7)), nn.Parameter(torch.zeros(7))
    adam = torch.optim.Adam([theirs], lr=0.2 * 0.01, betas=(0.9, 0.99))
    muon = Muon([ours], lr=0.01)
    for _ in range(5):
        gradient = torch.randn(7)
        for parameter, optimizer in ((ours, muon), (theirs, adam)):
            parameter.grad = gradient.clone()
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_a_convolution_is_the_matrix_of_its_filters() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 8, 3)
    matrix = nn.Parameter(conv.weight.detach().flatten(1).clone())
    conv.weight.grad = torch.randn_like(conv.weight)
    matrix.grad = conv.weight.grad.flatten(1).clone()
    for parameter in (conv.weight, matrix):
        Muon([parameter], lr=0.01).step()
    torch.testing.assert_close(conv.weight.flatten(1), matrix)


@pytest.mark.parametrize("name", ["adam", "muon"])
def test_it_goes_on_from_its_state_as_if_never_stopped(name: str) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3))
    unused = nn.Parameter(torch.ones(2, 2))
    optimizer = build_optimizer(name, [{"params": [*network.parameters(), unused]}], lr=0.01)  # type: ignore[arg-type]

    def train(network: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
        picture = torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(seed))
        optimizer.zero_grad()
        network(picture).square().mean().backward()
        optimizer.step()

    for seed in range(3):
        train(network, optimizer, seed)
    other = copy.deepcopy(network)
    resumed = build_optimizer(name, [{"params": [*other.parameters(), nn.Parameter(torch.ones(2, 2))]}], lr=0.01)  # type: ignore[arg-type]
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for seed in range(3, 6):
        train(network, optimizer, seed)
        train(other, resumed, seed)
    for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(unused, torch.ones(2, 2))


@pytest.mark.parametrize("name", ["adam", "muon"])
def test_the_rate_may_be_a_tensor(name: str) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 4, 3)
    other = copy.deepcopy(conv)
    for network, rate in ((conv, 0.01), (other, torch.tensor(0.01))):
        optimizer = build_optimizer(name, network.parameters(), lr=0.5)  # type: ignore[arg-type]
        for seed in range(3):
            optimizer.param_groups[0].update(lr=rate)
            optimizer.zero_grad()
            network(torch.rand(1, 2, 5, 5, generator=torch.Generator().manual_seed(seed))).square().mean().backward()
            optimizer.step()
    torch.testing.assert_close(conv.weight, other.weight)
    torch.testing.assert_close(conv.bias, other.bias)
