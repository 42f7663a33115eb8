"""Strategies of other papers, by their own formulas and examples."""

from __future__ import annotations

import sys
from dataclasses import replace
from math import exp, inf, log
from random import Random

import pytest
import torch

from hnas.conformance.rewards import LAM, agreement, best_of, scored
from hnas.errors import HnasError
from hnas.searching.controller import Policy
from hnas.searching.reward import Known, Spread
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import build_strategy
from hnas.searching.strategies.breeding import child_of
from hnas.searching.strategies.nsga2 import crowded_places
from hnas.searching.strategies.pareto import crowding
from hnas.searching.strategies.ppo import clipped_loss
from hnas.searching.strategies.reinforce import ControllerStrategy
from hnas.space import Genotype
from tests.searching.rewards import settings_of
from tests.space.spaces import TINY_CHAINS


def anything(genotype: object) -> float:
    return 0.0


def learner(settings: SearchSettings) -> ControllerStrategy:
    strategy = build_strategy(settings, anything)
    assert isinstance(strategy, ControllerStrategy)
    return strategy


def parameters(strategy: ControllerStrategy) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in strategy.controller.parameters()])


def test_enas_makes_an_update_of_every_sample_and_leaves_the_network_level_to_chance() -> None:
    settings = settings_of("cells", "enas")
    together, one_by_one = (learner(settings) for _ in range(2))
    start = parameters(together)
    group = scored(together.ask(4, lam=LAM, random=Random(0)), agreement(settings))
    together.tell(group, lam=LAM, spread=Spread())
    for one in group:
        one_by_one.tell([one], lam=LAM, spread=Spread())
    assert torch.equal(parameters(together), parameters(one_by_one))
    assert not torch.equal(parameters(together), start)
    assert together.state_dict()["updates"] == 4
    # Average of the rewards before, decay 0.95, which begins at the first.
    average = group[0].reward.value
    for one in group:
        average = 0.95 * average + 0.05 * one.reward.value
    assert together.state_dict()["average"] == pytest.approx(average)
    position = together.controller.evaluate([group[0].genotype]).log_probs["position"]
    assert position.item() == pytest.approx(-log(2))


@pytest.mark.parametrize("name", ["enas", "nas-rl", "ppo", "local-search"])
def test_what_knows_one_lambda_refuses_a_range(name: str) -> None:
    settings = replace(settings_of("cells", name), lam="0.2..0.8")  # type: ignore[arg-type]
    with pytest.raises(HnasError, match=rf"lam is 0.2..0.8; strategy {name} needs one lambda"):
        build_strategy(settings, anything)


def test_nas_rl_needs_genotypes_trained_alone_and_weighs_no_entropy() -> None:
    settings = settings_of("cells", "nas-rl")
    with pytest.raises(HnasError, match="set scorer to short, or strategy to enas"):
        build_strategy(replace(settings, scorer="shared"), anything)
    equal_rewards = scored(build_strategy(settings, anything).ask(4, lam=LAM, random=Random(0)), lambda one: 1.0)
    moved = {}
    for name in ("enas", "nas-rl"):
        strategy = build_strategy(replace(settings, strategy=name), anything)
        assert isinstance(strategy, ControllerStrategy)
        before = parameters(strategy)
        strategy.tell(equal_rewards, lam=LAM, spread=Spread())  # no advantage: what moves is the entropy's
        moved[name] = not torch.equal(parameters(strategy), before)
    assert moved == {"enas": True, "nas-rl": False}


def policy_of(log_probs: torch.Tensor, genotype: Genotype) -> Policy:
    count = len(log_probs)
    return Policy((genotype,) * count, {"only": log_probs}, {"only": torch.full((count,), 2.0)})


def test_the_clipped_surrogate_is_that_of_the_paper() -> None:
    """Fig. 1 of Schulman et al.: with an advantage of 1 no more than 1.2 counts, with one of -1 no less than 0.8."""
    ratios, advantages = [0.5, 1.0, 1.5, 0.5, 1.0, 1.5], [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]
    surrogate = [0.5, 1.0, 1.2, -0.8, -1.0, -1.5]
    before = torch.full((6,), -3.0)
    now = torch.tensor([log(ratio) - 3.0 for ratio in ratios], requires_grad=True)
    genotype = next(iter(TINY_CHAINS))
    loss = clipped_loss(policy_of(now, genotype), before, advantages, 0.0)
    assert loss.item() == pytest.approx(-sum(surrogate) / 6)
    loss.backward()  # type: ignore[no-untyped-call]
    assert now.grad is not None
    # Nothing is to be gained beyond the clip; elsewhere the gradient is that of ratio times advantage.
    expected = [-0.5 / 6, -1.0 / 6, 0.0, 0.0, 1.0 / 6, 1.5 / 6]
    assert now.grad.tolist() == pytest.approx(expected)
    with_entropy = clipped_loss(policy_of(now, genotype), before, advantages, 0.1)
    assert with_entropy.item() == pytest.approx(loss.item() - 0.2)


def test_ppo_keeps_near_the_policy_that_drew_the_batch() -> None:
    """However large an advantage is, steps stop once a genotype is 1.2 times as likely."""
    settings = replace(settings_of("chain", "ppo"), entropy_weight=0.0, controller_lr=1e-3, controller_lr_end=1e-3)
    strategy = learner(settings)
    strategy.tell(scored(strategy.ask(4, lam=LAM, random=Random(0)), anything), lam=LAM, spread=Spread())
    genotypes = strategy.ask(4, lam=LAM, random=Random(1))
    before = strategy.controller.evaluate(genotypes).log_prob.detach()
    strategy.tell(scored(genotypes, lambda one: 1e4), lam=LAM, spread=Spread())
    ratio = (strategy.controller.evaluate(genotypes).log_prob.detach() - before).exp()
    assert ratio.mean().item() > 1.0
    assert ratio.max().item() < exp(0.5)


def test_crowding_is_half_the_perimeter_of_the_box_between_neighbours() -> None:
    """Deb et al., III-B, by hand: ranges 4 and 8; the third lies between (0, 8) and (2, 2), and so on."""
    points = [(4.0, 0.0), (0.0, 8.0), (1.0, 6.0), (2.0, 2.0)]
    assert crowding(points) == [inf, inf, pytest.approx(2 / 4 + 6 / 8), pytest.approx(3 / 4 + 6 / 8)]
    assert crowding([(1.0, 1.0)]) == [inf]
    assert crowding([(1.0, 1.0)] * 4).count(inf) >= 2
    assert crowding([]) == []


def chains(count: int) -> list[Genotype]:
    return list(TINY_CHAINS)[:count]


def test_the_first_fronts_survive_and_of_the_last_the_emptiest_places() -> None:
    """Five on a front, of which the two in the crowd of the middle go; then none of the second front."""
    settings = replace(settings_of("chain", "nsga2"), population=4, tournament=2)
    strategy = build_strategy(settings, anything)
    front = [(1.0, 0.0), (2.0, 1.0), (2.1, 1.1), (2.2, 1.2), (4.0, 3.0)]  # gain, cost
    behind = [(0.5, 0.5), (0.9, 3.0), (0.0, 4.0)]
    members = [Known(one, *at) for one, at in zip(chains(8), (*front, *behind), strict=True)]
    assert [rank for rank, _ in crowded_places(members)] == [0, 0, 0, 0, 0, 1, 1, 2]
    strategy.load_state_dict({"parents": [one.state() for one in members[:4]], "children": []})
    children = scored([one.genotype for one in members[4:]], anything)
    known = {one.genotype: one for one in members}
    told = [
        replace(child, gain=known[child.genotype].gain, cost=replace(child.cost, relative=known[child.genotype].cost))
        for child in children
    ]
    strategy.tell(told, lam=LAM, spread=Spread())
    left = {Known.from_state(state).gain for state in strategy.state_dict()["parents"]}
    # By hand, distances of the middle three: (1.1 / 3 + 1.1 / 3), (0.2 / 3 + 0.2 / 3), (1.9 / 3 + 1.9 / 3).
    assert left == {1.0, 4.0, 2.2, 2.0}
    assert strategy.state_dict()["children"] == []


@pytest.mark.parametrize("space", ["cells", "chain"])
def test_a_child_has_every_decision_from_one_of_its_parents(space: str) -> None:
    searched = settings_of(space, "nsga2").search_space
    random = Random(0)
    seen = set()
    for _ in range(200):
        first, second = searched.sample(random), searched.sample(random)
        child = child_of(first, second, searched, random, mutation=0.0)
        assert child in searched
        tokens, *parents = (searched.encode(one) for one in (child, first, second))
        for place, token in enumerate(tokens):
            if searched.open_options(tokens[:place]) > 1:
                open_to = [parent for parent in parents if searched.open_options(parent[:place]) > 1]
                assert token in {parent[place] for parent in open_to}
        seen.add((child == first, child == second))
        assert child_of(first, first, searched, random, mutation=0.0) == first
    assert (False, False) in seen


def test_mutation_changes_every_decision_as_often_as_it_is_told_to() -> None:
    space = settings_of("cells", "nsga2").search_space
    parent, random = space.sample(Random(0)), Random(1)
    tokens = space.encode(parent)
    changed = [0] * len(tokens)
    for _ in range(2000):
        child = space.encode(child_of(parent, parent, space, random, mutation=0.25))
        changed = [count + (new != old) for count, new, old in zip(changed, child, tokens, strict=True)]
    assert [count / 2000 for count in changed] == pytest.approx([0.25] * len(tokens), abs=0.05)


def test_nsga2_finds_the_ends_of_the_front() -> None:
    """Two aims that pull apart: agreement with one genotype, and no cost of being another."""
    settings = settings_of("chain", "nsga2")
    space, gain = settings.search_space, agreement(settings)
    strategy = build_strategy(settings, anything)

    def cost(genotype: Genotype) -> float:
        return float(sum(space.encode(genotype)))

    for update in range(40):
        asked = strategy.ask(4, lam=LAM, random=Random(update))
        told = [replace(one, cost=replace(one.cost, relative=cost(one.genotype))) for one in scored(asked, gain)]
        strategy.tell(told, lam=LAM, spread=Spread())
    quality, cheap = (strategy.finalists(1, lam=lam, random=Random(0)) for lam in (0.99, 0.01))
    assert quality == [best_of(settings)]
    assert cost(cheap[0]) == min(map(cost, space)) == 0.0


def climbed(settings: SearchSettings, gain: dict[Genotype, float], updates: int) -> list[set[Genotype]]:
    strategy = build_strategy(settings, anything)
    batches = []
    for update in range(updates):
        asked = strategy.ask(4, lam=LAM, random=Random(update))
        strategy.tell(scored(asked, gain.__getitem__), lam=LAM, spread=Spread())
        batches.append(set(asked))
    return batches


def test_local_search_moves_to_the_first_better_neighbour_and_tries_none_twice() -> None:
    settings = settings_of("chain", "local-search")
    space, of = settings.search_space, agreement(settings)
    gain = {genotype: of(genotype) for genotype in space}
    batches = climbed(settings, gain, 30)
    at = max(batches[0], key=gain.__getitem__)
    tried: set[Genotype] = set()
    for batch in batches[1:]:
        neighbours = set(space.neighbours(at)) - tried
        assert len(batch & neighbours) == min(4, len(neighbours))
        best = max(batch, key=gain.__getitem__)
        if gain[best] > gain[at]:
            at, tried = best, set()
        else:
            tried |= batch
        if set(space.neighbours(at)) <= tried:
            break  # the top: no neighbour is better
    assert at == best_of(settings)


def test_local_search_leaves_a_hill_that_is_not_the_highest() -> None:
    """All but the best are equal, and it has no slope: each place is left once its neighbours are tried."""
    settings = settings_of("chain", "local-search")
    best = best_of(settings)
    gain = {genotype: float(genotype == best) for genotype in settings.search_space}
    batches = climbed(settings, gain, 80)
    assert any(best in batch for batch in batches)


def test_optuna_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    settings = replace(settings_of("cells", "random"), strategy="optuna:tpe")
    with pytest.raises(HnasError, match=r"needs the package optuna: pip install 'hnas-sr\[optuna\]'"):
        build_strategy(settings, anything)
