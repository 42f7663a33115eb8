"""Gradient ascent on the probabilities of every decision, through the shared weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import torch
from torch import Generator, Tensor

from hnas.errors import HnasError
from hnas.searching.reward import Scored, Spread
from hnas.searching.strategies.relaxed import gate
from hnas.searching.strategies.settings import RateSettings
from hnas.searching.strategies.task import Task
from hnas.searching.within import draw_within
from hnas.space import Choice, Genotype
from hnas.training.settings import cosine

#: Temperature of the relaxation, first and last (linear). GDAS begins at 10, where a slope moves logits by a tenth of
#: what it does in the end: beside a cost whose gradient is exact, PSNR would hardly count until then.
_TEMPERATURE = (1.0, 0.1)


class DartsStrategy:
    """DARTS (Liu, Simonyan and Yang, DARTS: Differentiable Architecture Search, ICLR 2019) along a single path, as GDAS
    (Dong and Yang, Searching for A Robust Neural Architecture in Four GPU Hours, CVPR 2019).

    Every decision, the position of the upsampling cell too, has logits of its own. A genotype is drawn by their softmax
    and run by itself, and the slopes of its PSNR by what was chosen move the logits
    (:func:`hnas.searching.strategies.relaxed.gate`). The cost of the reward enters by its exact expectation under these
    probabilities, differentiated, as SNAS (Xie et al., SNAS: Stochastic Neural Architecture Search, ICLR 2019) has it
    where costs are sums. Neither entropy nor a baseline is added. The rate is that of the settings (published: 3e-4).

    Raises:
        HnasError: a range of lambda, or latency as cost.
    """

    #: See :func:`hnas.searching.strategies.wants_slopes`.
    wants_slopes = True

    def __init__(self, own: RateSettings, task: Task) -> None:
        task.refuse_range()
        if task.cost == "latency":
            raise HnasError(
                f"cost is latency, of which strategy {task.name} has no gradient; set cost to macs or params, and "
                "max_latency where milliseconds are limited"
            )
        self._own, self._task = own, task
        self._heads = [(head.name, choice) for head in task.space.heads for choice in head.choices]
        self.logits = [torch.zeros(choice.options, dtype=torch.double, requires_grad=True) for _, choice in self._heads]
        self._optimizer = torch.optim.Adam(self.logits, lr=own.controller_lr)
        self._updates = 0

    def ask(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """See :class:`Strategy`. Limits cut the distribution: what is outside them is drawn again, or made to fit."""
        weights = [logits.detach().softmax(0).tolist() for logits in self.logits]

        def drawn(place: int, options: int) -> int:
            return random.choices(range(options), weights[place][:options])[0]

        task = self._task
        return draw_within(
            count, lambda many: [self._decided(drawn) for _ in range(many)], task.usage, space=task.space, random=random
        )

    def _decided(self, decide: Callable[[int, int], int]) -> Genotype:
        """The genotype whose every decision is that of ``decide``, of its place and the number of its open options."""
        tokens: list[int] = []
        for place, (_, choice) in enumerate(self._heads):
            options = self._open(choice, tokens)
            tokens.append(decide(place, options) if options > 1 else 0)
        genotype: Genotype = self._task.space.decode(tokens)
        return genotype

    def _open(self, choice: Choice, earlier: Sequence[int]) -> int:
        return self._task.space.open_options(earlier) if choice.varies else choice.options

    def tell(self, scored: Sequence[Scored], *, lam: float, spread: Spread) -> dict[str, Any]:
        """One step up the gradient of the expected reward; logs entropies per head, the expected cost (1 is the
        reference), the temperature and the learning rate.

        Raises:
            ValueError: a genotype has no slopes.
        """
        task, part = self._task, self._updates / max(self._task.updates - 1, 1)
        first, last = _TEMPERATURE
        temperature = first + (last - first) * min(part, 1.0)
        noise = Generator().manual_seed(Random(f"{task.seed} noise {self._updates}").getrandbits(62))
        psnr = torch.stack([self._relaxed(one, temperature, noise) for one in scored]).mean()
        cost = self._expected_cost(scored[0])
        lr = cosine(self._own.controller_lr, self._own.controller_lr_end, part)
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.zero_grad()
        entropy = self._entropies(scored)
        ((1.0 - lam) * cost - lam * psnr).backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._updates += 1
        return {"entropy": entropy, "expected_cost": cost.item(), "temperature": temperature, "lr_controller": lr}

    def _relaxed(self, one: Scored, temperature: float, noise: Generator) -> Tensor:
        """What has the gradient of the PSNR of a genotype by the logits, dB."""
        tokens = self._task.space.encode(one.genotype)
        if len(one.slopes) != len(tokens):
            raise ValueError(f"strategy {self._task.name} learns from slopes, and was told {len(one.slopes)}")
        total = torch.zeros((), dtype=torch.double)
        for place, (_, choice) in enumerate(self._heads):
            options = self._open(choice, tokens[:place])
            if options > 1:
                share = gate(self.logits[place][:options], tokens[place], temperature, noise)
                total = total + one.slopes[place] * share
        return total

    def _expected_cost(self, one: Scored) -> Tensor:
        """The expectation of the reward's cost; what a unit of it counts as, any genotype says."""
        expected = self._task.expected_cost([each.softmax(0) for each in self.logits])
        if self._task.cost == "macs":
            return expected.macs * (one.cost.relative / one.cost.macs)
        return expected.params * (one.cost.relative / one.cost.params)

    @torch.no_grad()
    def _entropies(self, scored: Sequence[Scored]) -> dict[str, float]:
        """For every head the entropies (nats) of the decisions met on the way, summed; means over the genotypes."""
        entropies = dict.fromkeys((name for name, _ in self._heads), 0.0)
        for one in scored:
            tokens = self._task.space.encode(one.genotype)
            for place, (name, choice) in enumerate(self._heads):
                likely = self.logits[place][: self._open(choice, tokens[:place])].softmax(0)
                entropies[name] += torch.special.entr(likely).sum().item() / len(scored)
        return entropies

    def finalists(self, count: int, *, lam: float, random: Random) -> list[Genotype]:
        """The likeliest option of every decision, made to fit the limits, and draws."""
        task = self._task
        likeliest = self._decided(lambda place, options: int(self.logits[place][:options].argmax()))
        best = draw_within(
            1, lambda many: [likeliest] * many, task.usage, space=task.space, random=random, draws_each=1
        )
        return list(dict.fromkeys([*best, *self.ask(count - 1, lam=lam, random=random)]))

    def state_dict(self) -> dict[str, Any]:
        """The logits, their optimiser and its place in the schedule."""
        logits = [logits.detach().clone() for logits in self.logits]
        return {"logits": logits, "optimizer": self._optimizer.state_dict(), "updates": self._updates}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        with torch.no_grad():
            for mine, theirs in zip(self.logits, state["logits"], strict=True):
                mine.copy_(theirs)
        self._optimizer.load_state_dict(state["optimizer"])
        self._updates = state["updates"]
