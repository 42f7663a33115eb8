"""Scoring without waiting for the slowest: a genotype is asked for whenever a worker is free, and told as scores come.

The order in which scores came decides what the strategy learnt; candidates.jsonl has it, so a search can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hnas.errors import HnasError
from hnas.searching.reward import Scored, Spread
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import build_strategy
from hnas.searching.within import Usage
from hnas.space import Genotype, parse_genotype


@dataclass(frozen=True)
class Asked:
    """A genotype that was asked for.

    Attributes:
        number: of the question, from 0.
        after: updates of the strategy before it.
        genotype: the answer.
    """

    number: int
    after: int
    genotype: Genotype

    def line(self) -> dict[str, int]:
        """What its line of candidates.jsonl says of the order."""
        return {"asked": self.number, "after": self.after}


class Stream:
    """Genotypes that are being scored.

    Args:
        ask: the genotype of a question, by its number.
        score: has a genotype scored, once.
        ahead: how many are scored at a time.
        most: questions in all.
    """

    def __init__(
        self,
        ask: Callable[[int], Genotype],
        score: Callable[[Genotype], Future[Any]],
        ahead: Callable[[], int],
        *,
        most: int,
    ) -> None:
        self._ask, self._score, self._ahead, self._most = ask, score, ahead, most
        self.count = 0
        self.pending: list[Asked] = []

    def next(self, count: int, *, after: int) -> list[Asked]:
        """So many that are scored, in the order in which their scores came; asks for more meanwhile.

        Args:
            count: how many.
            after: updates of the strategy so far.
        """
        came: list[Asked] = []
        while len(came) < count:
            while len(self.pending) < self._ahead() and self.count < self._most:
                one = Asked(self.count, after, self._ask(self.count))
                self.count += 1
                self.pending.append(one)
                self._score(one.genotype)
            futures = [self._score(one.genotype) for one in self.pending]
            wait(futures, return_when=FIRST_COMPLETED)
            there = [one for one, future in zip(self.pending, futures, strict=True) if future.done()]
            came += there[: count - len(came)]
            self.pending = [one for one in self.pending if one not in came]
        return came

    def state_dict(self) -> dict[str, Any]:
        """The number of questions, and those whose scores have not come."""
        pending = [[one.number, one.after, one.genotype.to_json()] for one in self.pending]
        return {"count": self.count, "pending": pending}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self.count = state["count"]
        self.pending = [Asked(number, after, parse_genotype(text)) for number, after, text in state["pending"]]


def ask_one(ask: Callable[..., list[Genotype]], settings: SearchSettings, number: int) -> Genotype:
    """The genotype that a strategy proposes to a question."""
    (genotype,) = ask(1, lam=settings.lam_range[0], random=Random(f"{settings.seed} asked {number}"))
    return genotype


def replay(settings: SearchSettings, usage: Usage, lines: Sequence[Mapping[str, Any]]) -> list[Genotype]:
    """Asks and tells a new strategy in the order of a finished search.

    Args:
        settings: of the search.
        usage: of its limits.
        lines: of its candidates.jsonl, the derivation's left out.

    Returns:
        What the strategy proposes, line by line: what the search has scored.

    Raises:
        HnasError: the lines do not say in which order the search went.
    """
    strategy, spread, lam = build_strategy(settings, usage), Spread(), settings.lam_range[0]
    answers: dict[int, Genotype] = {}
    for update in range(len(lines) // settings.samples):
        try:
            for line in lines:
                if line["after"] == update:
                    answers[line["asked"]] = ask_one(strategy.ask, settings, line["asked"])
        except KeyError as error:
            raise HnasError("this search was not asynchronous: its candidates have no order to replay") from error
        batch = lines[update * settings.samples : (update + 1) * settings.samples]
        read = map(Scored.from_line, batch)
        scored = [replace(one, reward=one.reward_at(lam)) for one in read]  # as it was, to the last bit
        spread = spread.after(scored)
        strategy.tell(scored, lam=lam, spread=spread)
    return [answers[line["asked"]] for line in lines]
