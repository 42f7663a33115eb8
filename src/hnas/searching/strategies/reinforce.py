"""The controller, trained by REINFORCE (paper, II-C)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import torch
from torch import Generator

from hnas.errors import HnasError
from hnas.searching.controller import Controller, Policy
from hnas.searching.every_lambda import ENTROPY, IMITATION, best_known, importance, other_lambdas, to_imitate
from hnas.searching.reward import Known, Scored, Spread
from hnas.searching.strategies.pareto import pareto_ranks
from hnas.searching.strategies.settings import ControllerSettings
from hnas.searching.strategies.task import Task
from hnas.searching.within import draw_within
from hnas.space import Genotype
from hnas.training.settings import cosine


class ControllerStrategy:
    """The controller, trained by REINFORCE with Adam to make reward plus weighted entropy large (Algorithm 1).

    Args:
        own: its settings.
        task: what the search wants.
        hierarchical: False draws what is decided at the network level uniformly.

    Raises:
        HnasError: settings that do not go with the task.
    """

    def __init__(self, own: ControllerSettings, task: Task, *, hierarchical: bool = True) -> None:
        _refuse_unfit(own, task)
        self._own, self._task = own, task
        self.controller = Controller(
            task.space,
            generator=torch.Generator().manual_seed(task.seed),
            hidden=own.hidden,
            lam_range=task.lam_range if task.conditional else None,
            hierarchical=hierarchical,
        )
        self._optimizer = torch.optim.Adam(self.controller.parameters(), lr=own.controller_lr)
        self._updates = 0
        self._average: float | None = None
        # Filled for a range of lambda only: the last that were scored, and all that no other beats in gain and cost.
        self._newest: list[Known] = []
        self._front: list[Known] = []

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`. Limits cut the distribution: what is outside them is drawn again, or made to fit."""
        generator = torch.Generator().manual_seed(random.getrandbits(62))
        task = self._task
        return draw_within(
            count, lambda many: self._sample(many, generator, lam), task.usage, space=task.space, random=random
        )

    @torch.no_grad()
    def _sample(self, count: int, generator: Generator, lam: float) -> Sequence[Genotype]:
        return self.controller.sample(count, generator, lam if self._task.conditional else None).genotypes

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """One step up the policy gradient; logs entropies per head, the baseline and the learning rate.

        For a range of lambda the step is up the gradients of several lambdas: see :mod:`hnas.searching.every_lambda`.
        """
        own, task = self._own, self._task
        lams = [lam]
        if task.conditional:
            lams += other_lambdas(task.lam_range, spread, self._updates)
            self._remember(scored)
        policy = self._evaluate([one.genotype for one in scored] * len(lams), [each for each in lams for _ in scored])
        weights = importance(policy.log_prob.detach().view(len(lams), -1)).tolist()
        advantages, baselines = [], []
        for each, row in zip(lams, weights, strict=True):
            values, baseline = self.advantages([one.reward_at(each).value for one in scored])
            advantages += [weight * value / self._unit(each, spread) for weight, value in zip(row, values, strict=True)]
            baselines.append(baseline)
        more = ENTROPY if task.conditional else 1.0
        loss = policy_loss(policy, advantages, more * own.entropy_weight)
        if task.conditional:
            loss = loss + self._imitation_loss(lams, spread)
        lr = self._step(loss)
        self._updates += 1
        entropy = {head: values[: len(scored)].mean().item() for head, values in policy.entropies.items()}
        return {"entropy": entropy, "baseline": baselines[0], "lr_controller": lr}

    def _step(self, loss: torch.Tensor) -> float:
        """One step down a loss at the rate of this update, which is returned."""
        own = self._own
        lr = cosine(own.controller_lr, own.controller_lr_end, self._updates / max(self._task.updates - 1, 1))
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return lr

    def _imitation_loss(self, lams: Sequence[float], spread: Spread) -> torch.Tensor:
        """Minus the log-probability of the best genotypes known for each lambda."""
        shown = to_imitate(self._newest, lams)
        log_prob = self._evaluate([one.genotype for one, _ in shown], [lam for _, lam in shown]).log_prob
        # In the unit of the advantages, which are rewards or rewards by their spread.
        scale = [spread.of_reward(lam) / self._unit(lam, spread) for _, lam in shown]
        return -IMITATION * (log_prob * torch.tensor(scale)).mean()

    def _unit(self, lam: float, spread: Spread) -> float:
        return spread.of_reward(lam) if self._own.standardise else 1.0

    def _remember(self, scored: Sequence[Scored]) -> None:
        new = [Known.of(one) for one in scored]
        self._newest = (self._newest + new)[-self._own.population :]
        front = list({one.genotype: one for one in (*self._front, *new)}.values())
        ranks = pareto_ranks([(one.gain, -one.cost) for one in front])
        self._front = [one for one, rank in zip(front, ranks, strict=True) if rank == 0]

    def advantages(self, rewards: Sequence[float]) -> tuple[list[float], float]:
        """Rewards less their baseline, and the mean baseline.

        "leave-one-out" compares each with the mean of the others, which saw the same pictures; "ema" compares all
        with a moving average of the rewards before, which it then moves.
        """
        mean = sum(rewards) / len(rewards)
        if self._own.baseline == "leave-one-out":
            others = len(rewards) - 1
            return [(reward - mean) * len(rewards) / others for reward in rewards], mean
        before = mean if self._average is None else self._average
        decay = self._own.baseline_decay
        self._average = decay * before + (1.0 - decay) * mean
        return [reward - before for reward in rewards], before

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """What the controller draws; after a range of lambda, as many of the best that it drew before, for this one."""
        within = [one for one in (*self._front, *self._newest) if self._task.usage(one.genotype) <= 1.0]
        known = [one.genotype for one in best_known(within, lam)[: (count + 1) // 2]]
        return list(dict.fromkeys([*known, *self.ask(count - len(known), lam=lam, random=random)]))

    def _evaluate(self, genotypes: Sequence[Genotype], lams: Sequence[float]) -> Policy:
        return self.controller.evaluate(genotypes, lams if self._task.conditional else None)

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
        self._newest = [Known.from_state(known) for known in state["newest"]]
        self._front = [Known.from_state(known) for known in state["front"]]


def _refuse_unfit(own: ControllerSettings, task: Task) -> None:
    if own.baseline == "leave-one-out" and task.samples < 2:
        raise HnasError("samples is 1, so there is no other one for baseline leave-one-out; use baseline ema")
    if own.baseline == "ema" and task.conditional:
        raise HnasError("baseline ema mixes rewards of different lambdas; use leave-one-out with a range of lambda")
    if own.standardise and task.samples < 2:
        raise HnasError("standardise needs the spread within a batch; set samples to 2 or more")


def policy_loss(policy: Policy, advantages: Sequence[float], entropy_weight: float) -> torch.Tensor:
    """What the controller makes small: minus the mean of advantage times log-probability, minus weighted entropy."""
    return -(policy.log_prob * torch.tensor(advantages)).mean() - entropy_weight * policy.entropy.mean()
