"""The controller is checked against the whole, enumerated distribution of a tiny space."""

from __future__ import annotations

from math import log
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

from hnas.errors import HnasError
from hnas.searching.controller import Controller
from hnas.space.cells import CellGenotype, CellSpace

TINY = CellSpace(layers=3, nodes=1, normal_operations=("identity", "rcab"), upsampling_operations=("area",))
PAPER = CellSpace()
RANGE = (0.05, 0.95)


def controller(space: CellSpace = TINY, seed: int = 0, **options: Any) -> Controller:
    built = Controller(space, generator=torch.Generator().manual_seed(seed), hidden=12, **options)
    with torch.no_grad():  # Away from the nearly uniform start, so that mistakes show.
        for parameter in built.parameters():
            parameter.mul_(8.0)
    return built


@pytest.mark.parametrize("conditional", [False, True])
def test_probabilities_of_the_enumerated_space_sum_to_one(conditional: bool) -> None:
    built = controller(lam_range=RANGE if conditional else None)
    policy = built.evaluate(list(TINY), [0.3] * TINY.size if conditional else None)
    assert len(policy.genotypes) == TINY.size
    assert policy.log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-5)


def test_sampling_and_evaluating_agree() -> None:
    built = Controller(PAPER, generator=torch.Generator().manual_seed(1))
    sampled = built.sample(8, torch.Generator().manual_seed(2))
    again = built.evaluate(sampled.genotypes)
    assert len(set(sampled.genotypes)) == 8
    for head in ("normal", "upsampling", "position"):
        torch.testing.assert_close(sampled.log_probs[head], again.log_probs[head])
        torch.testing.assert_close(sampled.entropies[head], again.entropies[head])


def test_one_at_a_time_equals_the_batch() -> None:
    built = Controller(PAPER, generator=torch.Generator().manual_seed(1))
    random = Random(0)
    genotypes = [PAPER.sample(random) for _ in range(5)]
    batch = built.evaluate(genotypes).log_prob
    single = torch.cat([built.evaluate([genotype]).log_prob for genotype in genotypes])
    torch.testing.assert_close(batch, single)


def test_samples_come_as_often_as_their_probability_says() -> None:
    built = controller()
    drawn = built.sample(8_000, torch.Generator().manual_seed(3)).genotypes
    policy = built.evaluate(list(TINY))
    for genotype, probability in zip(policy.genotypes, policy.log_prob.exp().tolist(), strict=True):
        assert drawn.count(genotype) / len(drawn) == pytest.approx(probability, abs=0.02)


def test_mean_entropy_of_samples_is_the_entropy_of_the_distribution() -> None:
    built = controller()
    policy = built.evaluate(list(TINY))
    true = -(policy.log_prob.exp() * policy.log_prob).sum().item()
    drawn = built.sample(8_000, torch.Generator().manual_seed(4))
    assert drawn.entropy.mean().item() == pytest.approx(true, abs=0.03)


def reward_of(genotype: CellGenotype) -> float:
    return genotype.position + 2.0 * sum(edge.operation == "rcab" for edge in genotype.normal.edges)


def test_policy_gradient_equals_the_gradient_of_the_enumerated_expectation() -> None:
    """REINFORCE over samples estimates the gradient of sum_a pi(a) R(a), which enumeration gives exactly."""
    built = controller()
    parameters = list(built.parameters())
    policy = built.evaluate(list(TINY))
    rewards = torch.tensor([reward_of(genotype) for genotype in policy.genotypes])
    exact = torch.autograd.grad((policy.log_prob.exp() * rewards).sum(), parameters, allow_unused=True)

    drawn = built.sample(30_000, torch.Generator().manual_seed(5))
    rewards = torch.tensor([reward_of(genotype) for genotype in drawn.genotypes])
    advantage = rewards - rewards.mean()
    estimate = torch.autograd.grad((drawn.log_prob * advantage).mean(), parameters, allow_unused=True)
    first = torch.cat([torch.zeros(1) if g is None else g.flatten() for g in exact])
    second = torch.cat([torch.zeros(1) if g is None else g.flatten() for g in estimate])
    assert first.norm() > 0.1
    assert (first - second).norm() / first.norm() < 0.07


@pytest.mark.parametrize("conditional", [False, True])
def test_every_parameter_gets_a_gradient(conditional: bool) -> None:
    built = controller(PAPER, lam_range=RANGE if conditional else None)
    genotypes = [PAPER.sample(Random(index)) for index in range(64)]
    lams = [0.05 + 0.9 * index / 64 for index in range(64)]
    policy = built.evaluate(genotypes, lams if conditional else None)
    (policy.log_prob * torch.randn(64, generator=torch.Generator().manual_seed(7))).sum().backward()
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().amax() > 0.0, name


def test_lambda_changes_all_three_heads_and_each_genotype_has_its_own() -> None:
    built = controller(lam_range=RANGE)
    for parameter in built.parameters():  # at first, nothing hangs on lambda
        nn.init.uniform_(parameter, -0.1, 0.1, generator=torch.Generator().manual_seed(0))
    low, high = (built.evaluate(list(TINY), [lam] * TINY.size) for lam in RANGE)
    for head in ("normal", "upsampling", "position"):
        assert not torch.allclose(low.log_probs[head], high.log_probs[head])
    mixed = built.evaluate(list(TINY), [RANGE[index % 2] for index in range(TINY.size)])
    torch.testing.assert_close(mixed.log_prob[::2], low.log_prob[::2])
    torch.testing.assert_close(mixed.log_prob[1::2], high.log_prob[1::2])


@pytest.mark.parametrize(
    ("layer", "head"),
    [
        ("normal.lstm", "normal"),
        ("normal.logits.source", "normal"),
        ("normal.logits.operation", "normal"),
        ("upsampling.lstm", "upsampling"),
        ("upsampling.logits.source", "upsampling"),
        ("upsampling.logits.operation", "upsampling"),
        ("position.lstm", "position"),
        ("position.logits.position", "position"),
    ],
)
def test_every_layer_sees_lambda_and_nothing_hangs_on_it_at_first(layer: str, head: str) -> None:
    built = controller(PAPER, lam_range=RANGE)
    genotypes = [PAPER.sample(Random(index)) for index in range(4)]

    def differ() -> dict[str, bool]:
        low, high = (built.evaluate(genotypes, [lam] * 4).log_probs for lam in RANGE)
        return {name: not torch.equal(low[name], high[name]) for name in low}

    assert not any(differ().values())
    part = built.heads.get_submodule(layer)
    weight = part.weight_ih if isinstance(part, nn.LSTMCell) else part.weight
    with torch.no_grad():
        weight[:, -8:] = torch.rand(len(weight), 8, generator=torch.Generator().manual_seed(0))
    assert differ()[head]


def test_choices_have_a_bias_only_where_there_is_no_lambda() -> None:
    """A bias is common to all lambdas, and would settle first what most of them like."""

    def biases(built: Controller) -> list[bool]:
        return [module.bias is not None for module in built.modules() if isinstance(module, nn.Linear)]

    assert biases(controller()) == [True] * 5
    assert biases(controller(lam_range=RANGE)) == [False] * 5


def test_without_hierarchy_the_position_is_uniform() -> None:
    flat = controller(hierarchical=False)
    policy = flat.evaluate(list(TINY))
    torch.testing.assert_close(policy.log_probs["position"], torch.full((TINY.size,), -log(TINY.layers)))
    assert policy.log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    assert all(not name.startswith("position") for name, _ in flat.named_parameters())


@pytest.mark.parametrize("lam", [None, 0.1, 0.9])
def test_first_policy_is_nearly_uniform(lam: float | None) -> None:
    built = Controller(PAPER, generator=torch.Generator().manual_seed(0), lam_range=RANGE if lam else None)
    entropy = built.sample(64, torch.Generator().manual_seed(1), lam).entropy.mean().item()
    assert entropy == pytest.approx(log(PAPER.size), rel=0.02)


def test_lambda_where_none_is_expected_and_foreign_genotypes_are_refused() -> None:
    with pytest.raises(HnasError, match="not built to see lambda"):
        controller().evaluate(list(TINY), [0.5] * TINY.size)
    with pytest.raises(HnasError, match="needs lambda"):
        controller(lam_range=RANGE).evaluate(list(TINY))
    with pytest.raises(HnasError, match=r"lambda is 0\.99; allowed are 0\.05 to 0\.95"):
        controller(lam_range=RANGE).sample(1, torch.Generator().manual_seed(0), 0.99)
    with pytest.raises(HnasError, match="own search space"):
        controller().evaluate([PAPER.sample(Random(0))])
