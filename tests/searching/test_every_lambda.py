"""Learning for a whole range of lambda, checked against enumeration of a tiny space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import exp
from random import Random
from statistics import fmean

import pytest
import torch

from hnas.errors import HnasError
from hnas.searching.candidate_cost import CandidateCost
from hnas.searching.controller import Policy
from hnas.searching.every_lambda import best_known, importance, other_lambdas, to_imitate
from hnas.searching.reward import Known, Scored, Spread, joint_reward
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import Strategy, build_strategy, reinforce
from hnas.searching.strategies.reinforce import policy_loss
from hnas.space.cells import CellGenotype, CellSpace

TINY = CellSpace(layers=3, nodes=1, normal_operations=("identity", "rcab"), upsampling_operations=("area",))
RANGE = (0.1, 0.9)
WHOLE = SearchSettings(
    layers=3,
    nodes=1,
    normal_operations=TINY.normal_operations,
    upsampling_operations=TINY.upsampling_operations,
    lam="0.1..0.9",
    rounds=60,
    controller_steps=1,
    controller_lr=1e-2,
    controller_lr_end=3e-3,
    standardise=True,
    entropy_weight=0.05,
)


def known(gain: float, cost: float, index: int = 0) -> Known:
    return Known(list(TINY)[index], gain, cost)


def score(genotype: CellGenotype, lam: float) -> Scored:
    """Each rcab gains 1 dB and costs 1; positions before the last cost more."""
    size = sum(edge.operation == "rcab" for edge in genotype.normal.edges)
    cost = CandidateCost(macs=1, params=1, latency=None, relative=size + 0.1 * (genotype.layers - genotype.position))
    return Scored(genotype, 30.0 + size, float(size), cost, joint_reward(30.0 + size, cost.relative, lam))


def test_updates_teach_lambdas_all_over_the_range() -> None:
    taught = [other_lambdas(RANGE, Spread(), update) for update in range(40)]
    assert all(len(lams) == len(set(lams)) == 8 for lams in taught)
    others = sorted(lam for lams in taught for lam in lams)
    assert RANGE[0] <= others[0] < 0.11
    assert 0.89 < others[-1] <= RANGE[1]
    assert max(second - first for first, second in pairwise(others)) < 0.01


def test_weights_make_the_expectation_under_one_lambda_from_samples_of_another() -> None:
    """Importance sampling: sum over a of pi(a | here) w(a) R(a) = sum over a of pi(a | there) R(a)."""
    draw = torch.Generator().manual_seed(0)
    here = torch.randn(50, generator=draw).log_softmax(0)
    there = (here + 0.6 * torch.rand(50, generator=draw)).log_softmax(0)  # nowhere twice as likely: nothing is cut
    rewards = torch.linspace(0.0, 1.0, 50)
    weights = importance(torch.stack([here, there]))
    assert torch.equal(weights[0], torch.ones(50))
    torch.testing.assert_close((here.exp() * weights[1] * rewards).sum(), (there.exp() * rewards).sum())


def test_no_weight_is_above_two() -> None:
    weights = importance(torch.tensor([[0.0], [5.0], [-1.0]])).flatten().tolist()
    assert weights == pytest.approx([1.0, 2.0, exp(-1.0)], rel=1e-5)


def test_the_best_known_depends_on_lambda_and_names_no_genotype_twice() -> None:
    cheap, dear = known(0.1, 0.1, 0), known(1.0, 2.0, 1)
    assert best_known([cheap, dear, cheap], 0.3) == [cheap, dear]
    assert best_known([cheap, dear, cheap], 0.9) == [dear, cheap]
    assert to_imitate([cheap, dear], [0.3, 0.9]) == [(cheap, 0.3), (dear, 0.3), (dear, 0.9), (cheap, 0.9)]


@pytest.mark.parametrize(("lam", "weight"), [(0.5, 0.05), ("0.1..0.9", 0.2)])
def test_entropy_counts_four_times_for_a_range_and_as_it_is_for_one_lambda(
    monkeypatch: pytest.MonkeyPatch, lam: float | str, weight: float
) -> None:
    weights: list[float] = []

    def loss(policy: Policy, advantages: Sequence[float], entropy_weight: float) -> torch.Tensor:
        weights.append(entropy_weight)
        return policy_loss(policy, advantages, entropy_weight)

    monkeypatch.setattr(reinforce, "policy_loss", loss)
    after_search(replace(WHOLE, lam=lam), 2)
    assert weights == pytest.approx([weight, weight])


def after_search(settings: SearchSettings, updates: int) -> Strategy:
    strategy, spread = build_strategy(settings, lambda genotype: 0.0), Spread()
    for update in range(updates):
        random = Random(update)
        lam = random.uniform(*RANGE)
        group = [score(genotype, lam) for genotype in strategy.ask(settings.samples, lam=lam, random=random)]
        spread = spread.after(group)
        strategy.tell(group, lam=lam, spread=spread)
    return strategy


def size_of(strategy: Strategy, lam: float) -> float:
    return fmean(score(one, lam).gain for one in strategy.ask(200, lam=lam, random=Random("test")))


def test_one_policy_answers_opposite_lambdas_in_opposite_ways() -> None:
    strategy = after_search(WHOLE, 60)
    assert size_of(strategy, 0.1) < 0.4  # of 2; uniform sampling has 1
    assert size_of(strategy, 0.9) > 1.6
    limited = build_strategy(WHOLE, lambda genotype: score(genotype, 0.5).gain + 0.5)
    limited.load_state_dict(strategy.state_dict())
    assert {score(one, 0.5).gain for one in limited.finalists(8, lam=0.9, random=Random(0))} == {0.0}


def test_what_nothing_beats_is_known_to_the_end_however_old() -> None:
    state = after_search(replace(WHOLE, population=4, tournament=2), 60).state_dict()
    best = [score(Known.from_state(one).genotype, 0.5) for one in state["front"]]
    assert {one.gain for one in best} == {0.0, 1.0, 2.0}
    assert all(one.genotype.position == TINY.layers for one in best)  # the cheapest of its gain
    assert len(state["newest"]) == 4


def test_a_search_of_an_older_version_is_refused_with_what_to_do(tiny: SearchSettings) -> None:
    strategy = build_strategy(replace(tiny, lam="0.1..0.9"), lambda genotype: 0.0)
    state = strategy.state_dict()
    state["controller"] = {**state["controller"], "condition.weight": torch.zeros(32, 1)}
    with pytest.raises(HnasError, match=r"older version.*search anew"):
        strategy.load_state_dict(state)


def test_a_search_for_one_lambda_remembers_nothing(tiny: SearchSettings) -> None:
    strategy = build_strategy(replace(tiny, samples=4), lambda genotype: 0.0)
    group = [score(genotype, 0.5) for genotype in strategy.ask(4, lam=0.5, random=Random(0))]
    strategy.tell(group, lam=0.5, spread=Spread())
    state = strategy.state_dict()
    assert state["newest"] == state["front"] == []
