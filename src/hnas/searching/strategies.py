"""What proposes genotypes, behind one interface: ask for some, tell how they scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Protocol

import torch
from torch import Generator

from hnas.searching.controller import HEADS, Controller, Policy
from hnas.searching.reward import Scored
from hnas.searching.settings import SearchSettings
from hnas.searching.within import Usage, draw_uniformly, draw_within
from hnas.space import Genotype, SearchSpace
from hnas.training.settings import cosine


class Strategy(Protocol):
    """Proposes genotypes and learns from their scores. All randomness comes in, so there is none to save."""

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """``count`` genotypes within the limits.

        Raises:
            HnasError: none was found within the limits.
        """

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: float = 1.0) -> dict[str, Any]:
        """Learns from what it asked for last; returns named numbers for the log.

        Args:
            scored: all of one batch.
            lam: of their rewards.
            spread: standard deviation that such rewards usually have within a batch.
        """

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """Up to ``count`` different genotypes within the limits to choose the best from, once the search is over."""

    def state_dict(self) -> dict[str, Any]:
        """All that :meth:`load_state_dict` needs to go on as if nothing had happened."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""


def build_strategy(settings: SearchSettings, usage: Usage) -> Strategy:
    """The strategy that the settings name."""
    if settings.strategy == "random":
        return RandomStrategy(settings.space, usage)
    if settings.strategy == "evolution":
        return EvolutionStrategy(settings, usage)
    return ControllerStrategy(settings, usage)


class RandomStrategy:
    """Uniform sampling: the yardstick for every other strategy."""

    def __init__(self, space: SearchSpace, usage: Usage) -> None:
        self._space, self._usage = space, usage

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`."""
        return draw_uniformly(count, self._space, self._usage, random)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: float = 1.0) -> dict[str, Any]:
        """Learns nothing."""
        return {}

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`."""
        return _distinct(self.ask(count, lam=lam, random=random))

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing."""


class ControllerStrategy:
    """The controller, trained by REINFORCE with Adam to make reward plus weighted entropy large (Algorithm 1)."""

    def __init__(self, settings: SearchSettings, usage: Usage) -> None:
        self._settings, self._usage = settings, usage
        self.controller = Controller(
            settings.space,
            generator=torch.Generator().manual_seed(settings.seed),
            hidden=settings.hidden,
            conditional=settings.conditional,
            hierarchical=settings.strategy == "controller",
        )
        self._optimizer = torch.optim.Adam(self.controller.parameters(), lr=settings.controller_lr)
        self._updates = 0
        self._average: float | None = None

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`. Limits cut the distribution: what is outside them is drawn again, or made to fit."""
        generator = _generator(random)
        space = self._settings.space
        return draw_within(
            count, lambda many: self._sample(many, generator, lam), self._usage, space=space, random=random
        )

    @torch.no_grad()
    def _sample(self, count: int, generator: Generator, lam: float) -> Sequence[Genotype]:
        return self.controller.sample(count, generator, self._seen(lam)).genotypes

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: float = 1.0) -> dict[str, Any]:
        """One step up the policy gradient; logs entropies per head, the baseline and the learning rate."""
        settings = self._settings
        policy = self.controller.evaluate([candidate.genotype for candidate in scored], self._seen(lam))
        advantages, baseline = self.advantages([candidate.reward.value for candidate in scored])
        if settings.standardise:
            advantages = [advantage / spread for advantage in advantages]
        lr = cosine(settings.controller_lr, settings.controller_lr_end, self._updates / max(settings.updates - 1, 1))
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.zero_grad()
        policy_loss(policy, advantages, settings.entropy_weight).backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._updates += 1
        entropy = {head: policy.entropies[head].mean().item() for head in HEADS}
        return {"entropy": entropy, "baseline": baseline, "lr_controller": lr}

    def advantages(self, rewards: Sequence[float]) -> tuple[list[float], float]:
        """Rewards less their baseline, and the mean baseline.

        "leave-one-out" compares each with the mean of the others, which saw the same pictures; "ema" compares all
        with a moving average of the rewards before, which it then moves.
        """
        mean = sum(rewards) / len(rewards)
        if self._settings.baseline == "leave-one-out":
            others = len(rewards) - 1
            return [(reward - mean) * len(rewards) / others for reward in rewards], mean
        before = mean if self._average is None else self._average
        decay = self._settings.baseline_decay
        self._average = decay * before + (1.0 - decay) * mean
        return [reward - before for reward in rewards], before

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`."""
        return _distinct(self.ask(count, lam=lam, random=random))

    def _seen(self, lam: float) -> float | None:
        return lam if self._settings.conditional else None

    def state_dict(self) -> dict[str, Any]:
        """The controller, its optimiser, its place in the schedule and the moving baseline."""
        return {
            "controller": self.controller.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "updates": self._updates,
            "average": self._average,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self.controller.load_state_dict(state["controller"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._updates = state["updates"]
        self._average = state["average"]


def policy_loss(policy: Policy, advantages: Sequence[float], entropy_weight: float) -> torch.Tensor:
    """What the controller makes small: minus the mean of advantage times log-probability, minus weighted entropy."""
    return -(policy.log_prob * torch.tensor(advantages)).mean() - entropy_weight * policy.entropy.mean()


class EvolutionStrategy:
    """Regularised evolution (Real et al., 2019): the oldest dies; parents are chosen by Pareto rank, then by reward."""

    def __init__(self, settings: SearchSettings, usage: Usage) -> None:
        self._settings, self._usage = settings, usage
        self._population: list[tuple[Genotype, float, float]] = []  # genotype, gain in dB, cost; oldest first

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """Uniform samples until the population is full, then mutated parents."""
        space = self._settings.space
        if len(self._population) < self._settings.population:
            return draw_uniformly(count, space, self._usage, random)

        def one() -> Genotype:
            drawn = random.sample(self._population, self._settings.tournament)
            return space.mutate(self._ranked(drawn, lam)[0][0], random)

        return draw_within(count, lambda many: [one() for _ in range(many)], self._usage, space=space, random=random)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: float = 1.0) -> dict[str, Any]:
        """The new ones join, as many of the oldest leave."""
        self._population += [(candidate.genotype, candidate.gain, candidate.cost.relative) for candidate in scored]
        self._population = self._population[-self._settings.population :]
        return {}

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """The population, best first."""
        ranked = _distinct([genotype for genotype, _, _ in self._ranked(self._population, lam)])[:count]
        return ranked or _distinct(self.ask(count, lam=lam, random=random))

    @staticmethod
    def _ranked(candidates: Sequence[tuple[Genotype, float, float]], lam: float) -> list[tuple[Genotype, float, float]]:
        ranks = pareto_ranks([(gain, -cost) for _, gain, cost in candidates])
        rewards = [lam * gain - (1.0 - lam) * cost for _, gain, cost in candidates]
        order = sorted(range(len(candidates)), key=lambda index: (ranks[index], -rewards[index]))
        return [candidates[index] for index in order]

    def state_dict(self) -> dict[str, Any]:
        """The population."""
        return {"population": [(genotype.to_json(), gain, cost) for genotype, gain, cost in self._population]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self._population = [(Genotype.from_json(text), gain, cost) for text, gain, cost in state["population"]]


def pareto_ranks(points: Sequence[tuple[float, ...]]) -> list[int]:
    """The front that each point is on (0: no other point is at least as good in all and better in one; then 1, ...).

    Args:
        points: larger is better in every coordinate.
    """
    ranks = [0] * len(points)
    left = set(range(len(points)))
    rank = 0
    while left:
        front = {i for i in left if not any(_dominates(points[j], points[i]) for j in left)}
        for index in front:
            ranks[index] = rank
        left -= front
        rank += 1
    return ranks


def _dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))


def _distinct(genotypes: Sequence[Genotype]) -> list[Genotype]:
    return list(dict.fromkeys(genotypes))


def _generator(random: Random) -> Generator:
    return torch.Generator().manual_seed(random.getrandbits(62))
