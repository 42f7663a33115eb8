"""What proposes genotypes, behind one interface: ask for some, tell how they scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Protocol

import torch
from torch import Generator

from hnas.errors import HnasError
from hnas.searching.controller import Controller, Policy
from hnas.searching.every_lambda import ENTROPY, IMITATION, best_known, importance, other_lambdas, to_imitate
from hnas.searching.reward import Known, Scored, Spread
from hnas.searching.settings import SearchSettings
from hnas.searching.within import Usage, draw_uniformly, draw_within
from hnas.space import Genotype, Space
from hnas.training.settings import cosine


class Strategy(Protocol):
    """Proposes genotypes and learns from their scores. All randomness comes in, so there is none to save."""

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """``count`` genotypes within the limits.

        Raises:
            HnasError: none was found within the limits.
        """

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """Learns from what it asked for last; returns named numbers for the log.

        Args:
            scored: all of one batch.
            lam: of their rewards.
            spread: what scores usually have within a batch.
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
        return RandomStrategy(settings.search_space, usage)
    if settings.strategy == "evolution":
        return EvolutionStrategy(settings, usage)
    return ControllerStrategy(settings, usage)


class RandomStrategy:
    """Uniform sampling: the yardstick for every other strategy."""

    def __init__(self, space: Space, usage: Usage) -> None:
        self._space, self._usage = space, usage

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`."""
        return draw_uniformly(count, self._space, self._usage, random)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
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
            settings.search_space,
            generator=torch.Generator().manual_seed(settings.seed),
            hidden=settings.hidden,
            lam_range=settings.lam_range if settings.conditional else None,
            hierarchical=settings.strategy == "controller",
        )
        self._optimizer = torch.optim.Adam(self.controller.parameters(), lr=settings.controller_lr)
        self._updates = 0
        self._average: float | None = None
        # Filled for a range of lambda only: the last that were scored, and all that no other beats in gain and cost.
        self._newest: list[Known] = []
        self._front: list[Known] = []

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`. Limits cut the distribution: what is outside them is drawn again, or made to fit."""
        generator = _generator(random)
        space = self._settings.search_space
        return draw_within(
            count, lambda many: self._sample(many, generator, lam), self._usage, space=space, random=random
        )

    @torch.no_grad()
    def _sample(self, count: int, generator: Generator, lam: float) -> Sequence[Genotype]:
        return self.controller.sample(count, generator, lam if self._settings.conditional else None).genotypes

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """One step up the policy gradient; logs entropies per head, the baseline and the learning rate.

        For a range of lambda the step is up the gradients of several lambdas: see :mod:`hnas.searching.every_lambda`.
        """
        settings = self._settings
        lams = [lam]
        if settings.conditional:
            lams += other_lambdas(settings.lam_range, spread, self._updates)
            self._remember(scored)
        policy = self._evaluate([one.genotype for one in scored] * len(lams), [each for each in lams for _ in scored])
        weights = importance(policy.log_prob.detach().view(len(lams), -1)).tolist()
        advantages, baselines = [], []
        for each, row in zip(lams, weights, strict=True):
            values, baseline = self.advantages([one.reward_at(each).value for one in scored])
            advantages += [weight * value / self._unit(each, spread) for weight, value in zip(row, values, strict=True)]
            baselines.append(baseline)
        more = ENTROPY if settings.conditional else 1.0
        loss = policy_loss(policy, advantages, more * settings.entropy_weight)
        if settings.conditional:
            loss = loss + self._imitation_loss(lams, spread)
        lr = cosine(settings.controller_lr, settings.controller_lr_end, self._updates / max(settings.updates - 1, 1))
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._updates += 1
        entropy = {head: values[: len(scored)].mean().item() for head, values in policy.entropies.items()}
        return {"entropy": entropy, "baseline": baselines[0], "lr_controller": lr}

    def _imitation_loss(self, lams: Sequence[float], spread: Spread) -> torch.Tensor:
        """Minus the log-probability of the best genotypes known for each lambda."""
        shown = to_imitate(self._newest, lams)
        log_prob = self._evaluate([one.genotype for one, _ in shown], [lam for _, lam in shown]).log_prob
        # In the unit of the advantages, which are rewards or rewards by their spread.
        scale = [spread.of_reward(lam) / self._unit(lam, spread) for _, lam in shown]
        return -IMITATION * (log_prob * torch.tensor(scale)).mean()

    def _unit(self, lam: float, spread: Spread) -> float:
        return spread.of_reward(lam) if self._settings.standardise else 1.0

    def _remember(self, scored: Sequence[Scored]) -> None:
        new = [Known.of(one) for one in scored]
        self._newest = (self._newest + new)[-self._settings.population :]
        front = list({one.genotype: one for one in (*self._front, *new)}.values())
        ranks = pareto_ranks([(one.gain, -one.cost) for one in front])
        self._front = [one for one, rank in zip(front, ranks, strict=True) if rank == 0]

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
        """What the controller draws; after a range of lambda, as many of the best that it drew before, for this one."""
        within = [one for one in (*self._front, *self._newest) if self._usage(one.genotype) <= 1.0]
        known = [one.genotype for one in best_known(within, lam)[: (count + 1) // 2]]
        return _distinct([*known, *self.ask(count - len(known), lam=lam, random=random)])

    def _evaluate(self, genotypes: Sequence[Genotype], lams: Sequence[float]) -> Policy:
        return self.controller.evaluate(genotypes, lams if self._settings.conditional else None)

    def state_dict(self) -> dict[str, Any]:
        """The controller, its optimiser, its place in the schedule, the moving baseline and the genotypes it knows."""
        return {
            "controller": self.controller.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "updates": self._updates,
            "average": self._average,
            "newest": [known.state() for known in self._newest],
            "front": [known.state() for known in self._front],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        try:
            self.controller.load_state_dict(state["controller"])
        except RuntimeError as error:
            raise HnasError(
                "the controller in this checkpoint has other parameters than this version's, so it is of an older "
                "version; search anew with --overwrite, or use the version that it was made with"
            ) from error
        self._optimizer.load_state_dict(state["optimizer"])
        self._updates = state["updates"]
        self._average = state["average"]
        # Older checkpoints have neither.
        self._newest = [Known.from_state(known) for known in state.get("newest", ())]
        self._front = [Known.from_state(known) for known in state.get("front", ())]


def policy_loss(policy: Policy, advantages: Sequence[float], entropy_weight: float) -> torch.Tensor:
    """What the controller makes small: minus the mean of advantage times log-probability, minus weighted entropy."""
    return -(policy.log_prob * torch.tensor(advantages)).mean() - entropy_weight * policy.entropy.mean()


class EvolutionStrategy:
    """Regularised evolution (Real et al., 2019): the oldest dies; parents are chosen by Pareto rank, then by reward."""

    def __init__(self, settings: SearchSettings, usage: Usage) -> None:
        self._settings, self._usage = settings, usage
        self._population: list[Known] = []  # oldest first

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """Uniform samples until the population is full, then mutated parents."""
        space = self._settings.search_space
        if len(self._population) < self._settings.population:
            return draw_uniformly(count, space, self._usage, random)

        def one() -> Genotype:
            drawn = random.sample(self._population, self._settings.tournament)
            mutated: Genotype = space.mutate(self._ranked(drawn, lam)[0].genotype, random)
            return mutated

        return draw_within(count, lambda many: [one() for _ in range(many)], self._usage, space=space, random=random)

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """The new ones join, as many of the oldest leave."""
        self._population += [Known.of(candidate) for candidate in scored]
        self._population = self._population[-self._settings.population :]
        return {}

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """Those of the population that are within the limits, best first; where none is, what :meth:`ask` gives."""
        within = [known for known in self._population if self._usage(known.genotype) <= 1.0]
        ranked = _distinct([known.genotype for known in self._ranked(within, lam)])[:count]
        return ranked or _distinct(self.ask(count, lam=lam, random=random))

    @staticmethod
    def _ranked(candidates: Sequence[Known], lam: float) -> list[Known]:
        ranks = pareto_ranks([(known.gain, -known.cost) for known in candidates])
        order = sorted(range(len(candidates)), key=lambda index: (ranks[index], -candidates[index].worth(lam)))
        return [candidates[index] for index in order]

    def state_dict(self) -> dict[str, Any]:
        """The population."""
        return {"population": [known.state() for known in self._population]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self._population = [Known.from_state(known) for known in state["population"]]


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
