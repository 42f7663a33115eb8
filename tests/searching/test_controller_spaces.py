"""The controller over every kind of space, checked against the whole, enumerated distribution of a tiny one."""

from __future__ import annotations

import hashlib
from collections import Counter
from math import log
from random import Random
from statistics import fmean
from typing import Any

import pytest
import torch

from hnas.searching.candidate_cost import CandidateCost
from hnas.searching.controller import Controller
from hnas.searching.reward import Scored, Spread, joint_reward
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import build_strategy
from hnas.searching.strategies.reinforce import ControllerStrategy, policy_loss
from hnas.space import Space
from hnas.space.cells import CellSpace
from hnas.space.chain import ChainGenotype
from tests.space.spaces import LARGE, TINY, TINY_CHAINS

RANGE = (0.05, 0.95)
LAM = 0.5
tiny = pytest.mark.parametrize("space", TINY.values(), ids=TINY.keys())


def controller(space: Space, factor: float = 8.0, *, hidden: int = 12, **options: Any) -> Controller:
    """A policy away from the nearly uniform start, so that mistakes show."""
    built = Controller(space, generator=torch.Generator().manual_seed(0), hidden=hidden, **options)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(factor)
    return built


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@tiny
@pytest.mark.parametrize("options", [{}, {"lam_range": RANGE}, {"hierarchical": False}], ids=["one", "range", "flat"])
def test_probabilities_of_all_genotypes_sum_to_one(space: Space, options: dict[str, Any]) -> None:
    built = controller(space, **options)
    policy = built.evaluate(list(space), [0.3] * space.size if "lam_range" in options else None)
    assert policy.log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-5)


@tiny
@pytest.mark.parametrize("lam", [None, 0.7])
def test_sampling_and_evaluating_agree(space: Space, lam: float | None) -> None:
    built = controller(space, lam_range=RANGE if lam else None)
    sampled = built.sample(16, generator(2), lam)
    assert all(genotype in space for genotype in sampled.genotypes)
    again = built.evaluate(sampled.genotypes, [lam] * 16 if lam else None)
    for head in (head.name for head in space.heads):
        torch.testing.assert_close(sampled.log_probs[head], again.log_probs[head])
        torch.testing.assert_close(sampled.entropies[head], again.entropies[head])


@tiny
def test_entropy_of_samples_is_that_of_the_distribution(space: Space) -> None:
    """Its mean, within five of its standard errors."""
    built = controller(space)
    with torch.no_grad():
        policy = built.evaluate(list(space))
        true = -(policy.log_prob.exp() * policy.log_prob).sum().item()
        drawn = built.sample(4000, generator(3)).entropy
    error = (drawn.std() / 4000**0.5).item()
    assert 0 < true < log(space.size)
    assert drawn.mean().item() == pytest.approx(true, abs=5 * error + 1e-5)


def test_chains_come_as_often_as_their_probability_says() -> None:
    built = controller(TINY_CHAINS)
    with torch.no_grad():
        drawn = Counter(built.sample(8000, generator(4)).genotypes)
        policy = built.evaluate(list(TINY_CHAINS))
    for genotype, probability in zip(policy.genotypes, policy.log_prob.exp().tolist(), strict=True):
        assert drawn[genotype] / 8000 == pytest.approx(probability, abs=0.02)


@tiny
@pytest.mark.parametrize("options", [{}, {"hierarchical": False}], ids=["controller", "flat"])
def test_gradients_are_finite_and_reach_every_parameter(space: Space, options: dict[str, Any]) -> None:
    built = controller(space, **options)
    policy = built.evaluate(list(space))
    rewards = torch.randn(space.size, generator=generator(5)).tolist()
    policy_loss(policy, rewards, 0.1).backward()
    moved = {}
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        moved[name] = bool(parameter.grad.abs().sum() > 0)
    several = {choice.kind for head in space.heads for choice in head.choices if choice.options > 1}
    for kind in several:  # where there is one option, there is nothing to learn
        assert all(moved[name] for name in moved if f"logits.{kind}." in name)


def test_blocks_beyond_the_depth_add_nothing() -> None:
    """Of a chain of one block, the head of the blocks makes one choice: its two options have all the probability."""
    built = controller(TINY_CHAINS)
    shallow = [genotype for genotype in TINY_CHAINS if genotype.depth == 1]
    policy = built.evaluate(shallow)
    by_network: dict[tuple[int, int], list[float]] = {}
    for genotype, value in zip(shallow, policy.log_probs["blocks"].exp().tolist(), strict=True):
        by_network.setdefault((genotype.width, genotype.after), []).append(value)
    for values in by_network.values():  # one choice of two options is all there is to make
        assert len(values) == 2
        assert sum(values) == pytest.approx(1.0, abs=1e-5)
    for genotype, probability, entropy in zip(
        shallow, policy.log_probs["blocks"].exp().tolist(), policy.entropies["blocks"].tolist(), strict=True
    ):
        first, second = by_network[genotype.width, genotype.after]
        assert probability in (first, second)
        assert entropy == pytest.approx(-first * log(first) - second * log(second), abs=1e-4)


@tiny
def test_without_hierarchy_what_the_network_level_decides_is_uniform(space: Space) -> None:
    flat = controller(space, hierarchical=False)
    policy = flat.evaluate(list(space))
    for head in space.heads:
        learned = [name for name, _ in flat.named_parameters() if name.startswith(f"heads.{head.name}.")]
        if head.level == "network":
            assert not learned
            uniform = -sum(log(choice.options) for choice in head.choices)
            torch.testing.assert_close(policy.log_probs[head.name], torch.full((space.size,), uniform))
            torch.testing.assert_close(policy.entropies[head.name], torch.full((space.size,), -uniform))
        else:
            assert learned


@pytest.mark.parametrize("space", LARGE.values(), ids=LARGE.keys())
def test_the_first_policy_is_nearly_uniform_over_every_choice(space: Space) -> None:
    built = Controller(space, generator=generator(0))
    with torch.no_grad():
        policy = built.sample(64, generator(1))
    expected = 0.0
    for genotype in policy.genotypes:
        tokens = space.encode(genotype)
        expected += sum(log(space.open_options(tokens[:index])) for index in range(len(tokens))) / 64
    assert policy.entropy.mean().item() == pytest.approx(expected, rel=0.02)


#: A chain of the tiny space that differs from the middle of it in every choice.
BEST = ChainGenotype(3, ("residual_3x3", "conv_3x3", "residual_3x3"), "rgb", 2)


def worth(genotype: ChainGenotype) -> float:
    """A made-up PSNR: one for every choice that is that of the best chain."""
    same = sum(mine == its for mine, its in zip(genotype.blocks, BEST.blocks, strict=False))
    return same + (genotype.width == BEST.width) + (genotype.depth == BEST.depth) + (genotype.after == BEST.after)


def scored(genotype: ChainGenotype, pictures: float) -> Scored:
    cost = CandidateCost(macs=1, params=1, latency=None, relative=0.0)
    psnr = worth(genotype) + pictures
    return Scored(genotype, psnr, worth(genotype), cost, joint_reward(psnr, 0.0, LAM))


def test_it_learns_which_chain_is_best_though_pictures_move_all_scores() -> None:
    space = TINY_CHAINS
    settings = SearchSettings(
        space="chain", widths=space.widths, depths=space.depths, blocks=space.blocks, after=space.after, colour="rgb",
        rounds=250, controller_steps=1, samples=6, hidden=12, controller_lr=2e-2, controller_lr_end=5e-3,
        entropy_weight=0.02,
    )  # fmt: skip
    assert settings.search_space == space
    assert max(space, key=worth) == BEST
    strategy = build_strategy(settings, lambda genotype: 0.0)
    assert isinstance(strategy, ControllerStrategy)
    before = strategy.controller.evaluate([BEST]).log_prob.exp().item()
    assert before < 0.1
    for update in range(settings.updates):
        pictures = Random(-update - 1).gauss(0, 3)
        asked = strategy.ask(settings.samples, lam=LAM, random=Random(update))
        told = strategy.tell([scored(one, pictures) for one in asked], lam=LAM, spread=Spread())
    assert set(told["entropy"]) == {"network", "blocks"}
    assert strategy.controller.evaluate([BEST]).log_prob.exp().item() > 0.5
    assert BEST in strategy.finalists(10, lam=LAM, random=Random("test"))


def test_evolution_ends_well_above_chance_too() -> None:
    space = TINY_CHAINS
    settings = SearchSettings(
        space="chain", widths=space.widths, depths=space.depths, blocks=space.blocks, after=space.after, colour="rgb",
        strategy="evolution", population=10, tournament=4,
    )  # fmt: skip
    strategy = build_strategy(settings, lambda genotype: 0.0)
    for update in range(60):
        asked = strategy.ask(4, lam=LAM, random=Random(update))
        strategy.tell([scored(one, 0.0) for one in asked], lam=LAM, spread=Spread())
    found = strategy.finalists(5, lam=LAM, random=Random(0))
    assert fmean(map(worth, found)) > fmean(map(worth, space)) + 1.0


#: Of the last version that knew the paper's space alone, weights times 4: a hash of the first 20 genotypes drawn; of
#: the first four of them, log-probabilities by head, and entropies.
PINNED: dict[str, tuple[dict[str, Any], str, dict[str, list[float]], list[float]]] = {
    "one": (
        {},
        "67fe1c872b291e0a7dfffed8d1e86116b656cdf6f18d2a897c147fa7b15e4239",
        {
            "normal": [-20.7846, -22.9665, -22.5196, -21.0313],
            "upsampling": [-19.9136, -23.0804, -23.2998, -21.4168],
            "position": [-2.9099, -2.8005, -2.2649, -2.2209],
        },
        [47.3675, 47.5381, 47.2996, 47.4552],
    ),
    "range": (
        {"lam_range": RANGE},
        "54da5f4ef9d909c3d84923790aee8928cc17ad37cf292b5889155bf19f1b6578",
        {
            "normal": [-23.2836, -22.8245, -23.5722, -22.1304],
            "upsampling": [-23.908, -22.4641, -23.1271, -21.9661],
            "position": [-2.276, -2.5257, -2.2896, -3.4039],
        },
        [48.1105, 47.801, 48.24, 48.2961],
    ),
    "flat": (
        {"hierarchical": False},
        "f1abfc206efe3aacff5db9be5a7c33098c163d59a9a96625a3938e1d01fde526",
        {
            "normal": [-20.7846, -22.9665, -22.5196, -21.0313],
            "upsampling": [-19.9136, -23.0804, -23.2998, -21.4168],
            "position": [-2.4849, -2.4849, -2.4849, -2.4849],
        },
        [47.4386, 47.6697, 47.4385, 47.5494],
    ),
}


@pytest.mark.parametrize(("options", "digest", "log_probs", "entropies"), PINNED.values(), ids=PINNED.keys())
def test_over_the_papers_space_it_is_what_it_was(
    options: dict[str, Any], digest: str, log_probs: dict[str, list[float]], entropies: list[float]
) -> None:
    built = controller(CellSpace(), 4.0, hidden=100, **options)
    policy = built.sample(20, generator(1), *([0.5] if "lam_range" in options else []))
    drawn = "\n".join(genotype.to_json() for genotype in policy.genotypes)
    assert hashlib.sha256(drawn.encode()).hexdigest() == digest
    assert set(policy.log_probs) == set(log_probs)
    for head, values in log_probs.items():
        assert policy.log_probs[head][:4].tolist() == pytest.approx(values, abs=1e-3)
    assert policy.entropy[:4].tolist() == pytest.approx(entropies, abs=1e-3)
