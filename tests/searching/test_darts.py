"""Gradient ascent on relaxed decisions: its gradient by reference, and what it finds where cost pulls the other way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
import torch
from torch import Tensor

from hnas.cli.main import main
from hnas.conformance.rewards import LAM, SPACES, agreement, agreements, best_of, scored_by_agreement, settings_of
from hnas.errors import HnasError
from hnas.nets import family_of
from hnas.searching.costs import CostTable
from hnas.searching.reward import Scored, Spread, joint_reward
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import build_strategy
from hnas.searching.strategies.darts import DartsStrategy
from hnas.searching.strategies.relaxed import gate, noise_given
from hnas.space import Genotype

LOGITS = torch.tensor([0.3, -0.4, 1.1, 0.0], dtype=torch.double)


def built(settings: SearchSettings) -> DartsStrategy:
    strategy = build_strategy(settings, lambda genotype: 0.0)
    assert isinstance(strategy, DartsStrategy)
    return strategy


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def straight_through(logits: Tensor, temperature: float, count: int, slopes: Tensor) -> Tensor:
    """The estimator by definition: noise is drawn, the largest sum wins, and the slope of the winner goes back through
    the softmax of the sums. The mean of the gradients of so many."""
    leaf = logits.clone().requires_grad_()
    noise = -torch.empty(count, len(logits), dtype=torch.double).exponential_(generator=generator(1)).log()
    soft = ((leaf + noise) / temperature).softmax(1)
    hard = torch.nn.functional.one_hot((leaf + noise).argmax(1), len(logits))
    through = hard + soft - soft.detach()
    chosen = hard * through  # the winner alone is run
    (chosen @ slopes).mean().backward()
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_its_gradient_is_that_of_the_straight_through_estimator(temperature: float) -> None:
    slopes = torch.tensor([0.5, -1.0, 0.2, 2.0], dtype=torch.double)
    reference = straight_through(LOGITS, temperature, 400_000, slopes)
    leaf, noise = LOGITS.clone().requires_grad_(), generator()
    mean = torch.zeros((), dtype=torch.double)
    for chosen, likely in enumerate(LOGITS.softmax(0)):  # the draw by its probabilities, summed
        mean = (
            mean
            + likely
            * slopes[chosen]
            * torch.stack([gate(leaf, chosen, temperature, noise) for _ in range(1500)]).mean()
        )
    mean.backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    assert leaf.grad.tolist() == pytest.approx(reference.tolist(), abs=0.004)
    assert leaf.grad.abs().max() > 0.05
    assert leaf.grad.sum().item() == pytest.approx(0.0, abs=1e-9)


def test_noise_that_has_an_option_win_is_gumbel_noise_in_the_mean_over_draws() -> None:
    """Its mean is Euler's constant, its variance pi squared over 6, whatever the option's logit."""
    counts = (LOGITS.softmax(0) * 200_000).round().long().tolist()
    noise = torch.cat([noise_given(LOGITS, chosen, count, generator(chosen)) for chosen, count in enumerate(counts)])
    winners = torch.cat([torch.full((count,), chosen) for chosen, count in enumerate(counts)])
    assert torch.equal((noise + LOGITS).argmax(1), winners)
    assert noise.mean(0).tolist() == pytest.approx([0.5772] * 4, abs=0.02)
    assert noise.var(0).tolist() == pytest.approx([1.6449] * 4, abs=0.04)
    assert torch.corrcoef(noise.T).fill_diagonal_(0).abs().max() < 0.02


@pytest.mark.parametrize("space", SPACES)
def test_a_step_follows_slopes_and_the_gradient_of_the_expected_cost(space: str) -> None:
    """The gradient of an update, against finite differences of the relaxed reward by the same noise."""
    settings = replace(settings_of(space, "darts"), lam=0.7)
    strategy = built(settings)
    rng = Random(0)
    with torch.no_grad():
        for logits in strategy.logits:
            logits.copy_(torch.tensor([rng.uniform(-1, 1) for _ in logits]))
    scored = with_costs(strategy.ask(3, lam=0.7, random=Random(1)), settings, CostTable(settings), 0.7)
    before = [logits.detach().clone() for logits in strategy.logits]
    strategy.tell(scored, lam=0.7, spread=Spread())
    told = [torch.zeros_like(each) if each.grad is None else each.grad.clone() for each in strategy.logits]

    searched, family = settings.search_space, family_of(settings.space, settings)
    unit = scored[0].cost.relative / scored[0].cost.macs
    seed = Random(f"{settings.seed} noise 0").getrandbits(62)
    noises: list[list[Tensor]] = []  # of the genotypes' open decisions, held fast
    drawn = generator(seed)
    for one in scored:
        tokens = searched.encode(one.genotype)
        row = []
        for place, token in enumerate(tokens):
            options = searched.open_options(tokens[:place])
            fixed = noise_given(before[place][:options], token, 16, drawn) if options > 1 else torch.zeros(16, 1)
            row.append(fixed)
        noises.append(row)

    def relaxed_reward(logits: list[Tensor]) -> float:
        total = 0.0
        for one, row in zip(scored, noises, strict=True):
            tokens = searched.encode(one.genotype)
            for place, (token, noise) in enumerate(zip(tokens, row, strict=True)):
                soft = (logits[place][: noise.shape[1]] + noise).softmax(1)  # the first temperature is 1
                total += one.slopes[place] * soft[:, token].mean().item() / len(scored)
        cost = family.expected_cost(searched, [each.softmax(0) for each in logits], settings.lr_shape).macs.item()
        return 0.7 * total - 0.3 * unit * cost

    step = 1e-4
    for place, gradient in enumerate(told):
        for option in range(len(gradient)):
            values = []
            for change in (step, -step):
                logits = [each.clone() for each in before]
                logits[place][option] += change
                values.append(relaxed_reward(logits))
            assert -gradient[option].item() == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4, abs=1e-7)
    assert any(gradient.abs().max() > 1e-3 for gradient in told)


def with_costs(genotypes: list[Genotype], settings: SearchSettings, table: CostTable, lam: float) -> list[Scored]:
    """Scores of the made-up gain with the costs of the networks, in parts of the mean of the space."""
    gain, slopes = agreement(settings), agreements(settings)
    made = []
    for one in genotypes:
        cost = table(one)
        reward = joint_reward(30.0 + gain(one), cost.relative, lam)
        made.append(Scored(one, 30.0 + gain(one), gain(one), cost, reward, slopes(one)))
    return made


@pytest.mark.parametrize(("space", "lam"), [("cells", 0.9), ("cells", 0.2), ("chain", 0.9)])
def test_it_finds_the_genotype_of_the_highest_reward(space: str, lam: float) -> None:
    """At 0.9 gain decides. At 0.2 another genotype is the best, which costs a fifth; the best chain is the cheapest."""
    settings = replace(settings_of(space, "darts", updates=120), lam=lam, controller_lr=0.1, controller_lr_end=0.05)
    strategy, table = built(settings), CostTable(settings)
    for update in range(settings.updates):
        asked = strategy.ask(4, lam=lam, random=Random(update))
        told = strategy.tell(with_costs(asked, settings, table, lam), lam=lam, spread=Spread())
    best = max(with_costs(list(settings.search_space), settings, table, lam), key=lambda one: one.worth)
    assert (best.genotype == best_of(settings)) == (lam == 0.9)
    assert strategy.finalists(1, lam=lam, random=Random(0)) == [best.genotype]
    # Nearly decided, so that the expected cost is nearly that of the genotype.
    assert told["expected_cost"] == pytest.approx(best.cost.relative, rel=0.2)
    assert told["temperature"] == pytest.approx(0.1)
    assert sum(told["entropy"].values()) < 2.0


def test_what_it_cannot_do_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    settings = settings_of("cells", "darts")
    assert settings.scorer == "shared"
    with pytest.raises(HnasError, match="strategy darts learns from the gradient of scores by shared weights"):
        build_strategy(replace(settings, scorer="short"), lambda genotype: 0.0)
    with pytest.raises(HnasError, match="cost is latency, of which strategy darts has no gradient"):
        build_strategy(replace(settings, cost="latency"), lambda genotype: 0.0)
    with pytest.raises(HnasError, match="strategy darts needs one lambda"):
        build_strategy(replace(settings, lam="0.2..0.8"), lambda genotype: 0.0)
    assert main(["study", "--table", "--strategies", "random", "darts"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "or a table of that, has none: set scorer to shared, or leave the strategy out" in line


def test_scores_without_slopes_are_no_silent_step() -> None:
    settings = settings_of("cells", "darts")
    strategy = built(settings)
    scored = scored_by_agreement(strategy.ask(2, lam=LAM, random=Random(0)), settings)
    with pytest.raises(ValueError, match="learns from slopes, and was told 0"):
        strategy.tell([replace(one, slopes=()) for one in scored], lam=LAM, spread=Spread())


def test_a_search_by_it_logs_where_it_stands(make_searcher: Callable[..., Searcher]) -> None:
    searcher = make_searcher(strategy="darts", warmup=0, rounds=1)
    line, scored = searcher.run_round()
    assert line["expected_cost"] == pytest.approx(1.0, abs=0.2)  # uniform at first; 1 is the mean of the space
    assert set(line["entropy"]) == {"normal", "upsampling", "position"}
    assert all(one.slopes for one in scored)
