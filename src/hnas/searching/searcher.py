"""The state of a search and what happens in a round of it (Algorithm 1 of the paper)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import astuple, replace
from random import Random
from time import perf_counter
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from hnas.errors import HnasError
from hnas.searching.asynchronous import Asked, Stream
from hnas.searching.costs import CostTable
from hnas.searching.evaluators import Differentiable, Evaluator
from hnas.searching.pictures import SearchPictures
from hnas.searching.reward import Scored, Spread, joint_reward
from hnas.searching.round_line import mean_numbers, means
from hnas.searching.scoring import bicubic_psnr
from hnas.searching.settings import SearchSettings
from hnas.searching.sharing_out import rows_shared_out, shared_out
from hnas.searching.strategies import Strategy, wants_slopes
from hnas.searching.within import Usage
from hnas.space import Genotype, decisions


class Searcher:
    """The state of a search and the two kinds of update.

    Every random choice is a function of the seed, the update's number and the process, so the state that a
    checkpoint must hold is weights, optimisers, the strategy and two counters.

    Args:
        settings: what is searched, and how.
        pictures: what genotypes are scored on.
        costs: table of costs.
        evaluator: scores genotypes; where it has shared weights, the search trains them.
        propose_within: a usage of limits to the strategy that proposes within them.
        fabric: the devices, launched.

    Attributes:
        alone: PSNR, dB, of genotypes trained alone, once they are; see :mod:`hnas.searching.tell_apart`.
        ahead: told of genotypes that are scored next, so that several can be at once.
        stream: what is being scored, where strategy and scores do not wait for each other.
        order: in which the genotypes of the last round were asked for, where that is another.
    """

    def __init__(
        self,
        settings: SearchSettings,
        *,
        pictures: SearchPictures,
        costs: CostTable,
        evaluator: Evaluator,
        propose_within: Callable[[Usage], Strategy],
        fabric: Fabric,
    ) -> None:
        self.settings, self.pictures, self.costs, self.fabric = settings, pictures, costs, fabric
        self.evaluator, self.weights, self.propose_within = evaluator, evaluator.weights, propose_within
        self.strategy = propose_within(costs.usage(settings.limits))
        self.ahead: Callable[[Sequence[Genotype]], None] = lambda genotypes: None
        self.stream: Stream | None = None
        self.order: list[Asked] = []
        self.spread = Spread()
        self.alone: list[float] = []
        self.round = 0
        self.seconds = 0.0

    @property
    def warmup(self) -> int:
        """Rounds at the beginning that train the shared weights only."""
        return self.settings.warmup if self.weights else 0

    @property
    def rounds(self) -> int:
        """Rounds in all, warm-up included."""
        return self.settings.rounds + self.warmup

    @property
    def trains_shared(self) -> bool:
        """Whether there are shared weights that change during the search."""
        return self.weights is not None and self.settings.w_steps > 0

    def run_round(self) -> tuple[dict[str, Any], list[Scored]]:
        """One round: updates of the shared weights, then, after the warm-up, of the strategy.

        Returns:
            The line for the log, and all genotypes scored.

        Raises:
            HnasError: a loss or score is not finite.
        """
        began, settings = perf_counter(), self.settings
        reference = {settings.cost: self.costs.reference}
        line: dict[str, Any] = {"phase": "search", "step": self.round + 1, "cost_reference": reference}
        if self.weights and self.trains_shared:
            losses = [self.w_step(self.round * settings.w_steps + i) for i in range(settings.w_steps)]
            mean = self.fabric.all_reduce(torch.stack(losses), reduce_op="mean")
            assert isinstance(mean, Tensor)
            line["w_loss"] = self._finite("loss of the shared weights", list(mean))
            line["lr_w"] = self.weights.lr
        scored: list[Scored] = []
        self.order = []
        if self.round >= self.warmup and not settings.exhausts:
            first = (self.round - self.warmup) * settings.controller_steps
            told: list[dict[str, Any]] = []
            for update in range(first, first + settings.controller_steps):
                group, numbers = self.strategy_step(update)
                scored += group
                told.append(numbers)
            if scored:
                line |= means(scored) | mean_numbers(told)
                line["best"] = max(scored, key=lambda candidate: candidate.worth).line()
        self.round += 1
        self.seconds += perf_counter() - began
        line["seconds"] = round(self.seconds, 3)
        return line, scored

    def w_step(self, step: int) -> Tensor:
        """One update of the shared weights, of which there are some; returns this process's part of the loss."""
        assert self.weights is not None
        return self.weights.update(step, self.w_genotypes(step), steps=self.rounds * self.settings.w_steps)

    def w_genotypes(self, step: int) -> list[Genotype]:
        """The genotypes of one update of the shared weights; with a batch of its own, a process draws its own."""
        settings = self.settings
        random = Random(f"{settings.seed} w {step} {self.fabric.global_rank if settings.batch_per_device else 0}")
        if settings.w_sampling == "fair" or step < self.warmup * settings.w_steps:
            return settings.search_space.fair(settings.w_genotypes, random)
        return self.strategy.ask(settings.w_genotypes, lam=self._lam(random), random=random)

    def strategy_step(self, update: int) -> tuple[list[Scored], dict[str, Any]]:
        """One update of the strategy (Algorithm 1, lines 8-12) from genotypes scored on one and the same batch.

        All processes ask for the same genotypes, score a share each and are told all scores, so that their
        strategies stay equal.
        """
        settings = self.settings
        random = Random(f"{settings.seed} strategy {update}")
        lam = self._lam(random)
        if self.stream:
            came = self.stream.next(settings.samples, after=update)
            self.order += came
            genotypes = [one.genotype for one in came]
        else:
            genotypes = self.strategy.ask(settings.samples, lam=lam, random=random)
        # Scores that do not change are on the same pictures always, so that those of all updates compare.
        number = update if self.trains_shared else 0
        lr, hr = self.pictures.scoring.batch(number, device=self.fabric.device)
        if wants_slopes(self.strategy):
            scored = self._with_slopes(genotypes, (lr, hr), lam)
        else:
            scored = self.score_all(genotypes, (lr, hr), lam)
        self.spread = self.spread.after(scored)
        told = self.strategy.tell(scored, lam=lam, spread=self.spread)
        return scored, told | {"lam": lam}

    def score_all(self, genotypes: Sequence[Genotype], pictures: tuple[Tensor, Tensor], lam: float) -> list[Scored]:
        """Scores fixed genotypes on fixed pictures (LR and HR); every process scores its share and has all scores."""
        self.ahead(genotypes)
        psnrs = shared_out(lambda genotype: self.evaluator(genotype, *pictures), genotypes, self.fabric)
        return self._scored(genotypes, psnrs, bicubic_psnr(*pictures), lam)

    def _with_slopes(self, genotypes: Sequence[Genotype], pictures: tuple[Tensor, Tensor], lam: float) -> list[Scored]:
        """:meth:`score_all`, with slopes."""
        evaluator = self.evaluator
        assert isinstance(evaluator, Differentiable)  # of shared weights; others are refused with the settings

        def work(genotype: Genotype) -> tuple[float, ...]:
            psnr, slopes = evaluator.with_slopes(genotype, *pictures)
            return psnr, *slopes

        rows = rows_shared_out(work, genotypes, self.fabric, width=1 + decisions(self.settings.search_space))
        self._finite("gradient of a PSNR", [torch.tensor(row[1:]) for row in rows])
        scored = self._scored(genotypes, [row[0] for row in rows], bicubic_psnr(*pictures), lam)
        return [replace(one, slopes=tuple(row[1:])) for one, row in zip(scored, rows, strict=True)]

    def _scored(
        self, genotypes: Sequence[Genotype], psnrs: Sequence[float], bicubic: float, lam: float
    ) -> list[Scored]:
        self._finite("PSNR of a genotype", [torch.tensor(psnr) for psnr in psnrs])
        scored = []
        for genotype, psnr in zip(genotypes, psnrs, strict=True):
            cost = self.costs(genotype)
            reward = joint_reward(psnr, cost.relative, lam)
            scored.append(Scored(genotype, psnr=psnr, gain=psnr - bicubic, cost=cost, reward=reward))
        return scored

    def _lam(self, random: Random) -> float:
        return self.spread.lam_between(*self.settings.lam_range, random.random())

    def _finite(self, what: str, values: Sequence[Tensor]) -> float:
        mean = float(torch.stack(list(values)).mean()) if values else 0.0
        if not torch.isfinite(torch.tensor(mean)):
            raise HnasError(
                f"the {what} is {mean} in round {self.round + 1}, so the search stopped; the last good state is kept; "
                "lower lr or set grad_clip, and start anew with --overwrite"
            )
        return mean

    def at_costs(self, costs: CostTable, settings: SearchSettings) -> Searcher:
        """The same search, what it knows too, with other costs and the settings that these are of."""
        other = copy(self)
        other.costs, other.settings = costs, settings
        return other

    def state_dict(self) -> dict[str, Any]:
        """Everything that :meth:`load_state_dict` needs to go on bit by bit as if nothing had happened."""
        return {
            **(self.weights.state_dict() if self.weights else {}),
            "strategy": self.strategy.state_dict(),
            "spread": astuple(self.spread),
            "alone": list(self.alone),
            "stream": self.stream.state_dict() if self.stream else None,
            "round": self.round,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        if self.weights:
            self.weights.load_state_dict(state)
        self.strategy.load_state_dict(state["strategy"])
        self.spread, self.alone = Spread(*state["spread"]), list(state["alone"])
        if self.stream and state["stream"]:
            self.stream.load_state_dict(state["stream"])
        self.round = state["round"]
        self.seconds = state["seconds"]
