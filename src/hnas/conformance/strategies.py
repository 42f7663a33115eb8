"""What every strategy promises, on both spaces."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import product
from random import Random
from typing import Any

import torch

from hnas.conformance.checks import promise
from hnas.conformance.rewards import LAM, SPACES, agreement, scored_by_agreement, settings_of, step
from hnas.searching.reward import Spread
from hnas.searching.strategies import Strategy, build_strategy
from hnas.searching.within import Usage
from hnas.space import Genotype

#: Updates after which a population of 16 has been replaced.
_UPDATES = 6


def _no_limit(genotype: Genotype) -> float:
    return 0.0


def _usage(gain: Callable[[Genotype], float], limit: float) -> Usage:
    return lambda genotype: gain(genotype) / limit


def saved(strategy: Strategy) -> Any:
    """The state as a checkpoint gives it back: plain values and tensors, nothing else."""
    buffer = io.BytesIO()
    torch.save(strategy.state_dict(), buffer)
    return torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)


def asked(strategy: Strategy, seed: object = "asked") -> list[Genotype]:
    """Four genotypes by a generator that is always the same."""
    return strategy.ask(4, lam=LAM, random=Random(f"{seed}"))


def it_proposes_as_many_as_asked_from_the_space(name: str) -> None:
    """Finalists are up to as many, at least one, and differ."""
    for space in SPACES:
        settings = settings_of(space, name)
        strategy = build_strategy(settings, _no_limit)
        proposed = [one for update in range(_UPDATES) for one in step(strategy, settings, update)]
        for count in (1, 2, 5):
            some = strategy.ask(count, lam=LAM, random=Random(count))
            promise(len(some) == count, f"{name}: asked for {count} it proposes {len(some)}")
            finalists = strategy.finalists(count, lam=LAM, random=Random(count))
            promise(
                1 <= len(finalists) == len(set(finalists)) <= count,
                f"{name}: of {count} finalists it gives {len(finalists)}, {len(set(finalists))} of them different",
            )
            proposed += [*some, *finalists]
        strange = [one for one in proposed if one not in settings.search_space]
        promise(not strange, f"{name}: proposes what is not in the space: {strange[:1]}")


def it_keeps_limits(name: str) -> None:
    """One that a genotype in a few keeps and the best does not, in whatever it proposes."""
    for space in SPACES:
        settings = settings_of(space, name)
        gain = agreement(settings)
        limit = sorted(map(gain, settings.search_space))[settings.search_space.size // 4]
        strategy = build_strategy(settings, _usage(gain, limit))
        proposed = [one for update in range(_UPDATES) for one in step(strategy, settings, update)]
        proposed += strategy.finalists(5, lam=LAM, random=Random(0))
        promise(max(map(gain, proposed)) <= limit, f"{name}: proposes what is outside the limits")


def a_finished_search_keeps_limits_of_later(name: str) -> None:
    """``hnas derive`` gives the state of a search to a strategy that is built for other limits."""
    settings = settings_of("chain", name)
    first = build_strategy(settings, _no_limit)
    for update in range(4):
        step(first, settings, update)
    gain = agreement(settings)
    limited = build_strategy(settings, gain)
    limited.load_state_dict(saved(first))
    most = max(map(gain, limited.finalists(3, lam=LAM, random=Random(1))))
    promise(most <= 1.0, f"{name}: with a state that it was given, it proposes finalists outside the limits")


def it_goes_on_from_its_saved_state(name: str) -> None:
    """To the same bits, after one update and after several."""
    for space, updates in product(SPACES, (1, _UPDATES)):
        settings = settings_of(space, name, updates=9)
        first = build_strategy(settings, _no_limit)
        for update in range(updates):
            step(first, settings, update)
        second = build_strategy(settings, _no_limit)
        second.load_state_dict(saved(first))
        for update in range(updates, updates + 3):
            both = [asked(one, update) for one in (first, second)]
            promise(both[0] == both[1], f"{name}: from its saved state it proposes something else")
            scored = scored_by_agreement(both[0], settings)
            told = [one.tell(scored, lam=LAM, spread=Spread()) for one in (first, second)]
            promise(told[0] == told[1], f"{name}: from its saved state it reports something else")
        ends = [one.finalists(5, lam=LAM, random=Random(9)) for one in (first, second)]
        promise(ends[0] == ends[1], f"{name}: from its saved state its finalists are others")


def seeds_decide_everything(name: str) -> None:
    """Nothing is drawn from a global generator, and asking leaves no trace: shared weights ask in between."""
    settings = settings_of("cells", name)
    torch.manual_seed(1)
    first = build_strategy(settings, _no_limit)
    for update in range(5):
        step(first, settings, update)
    torch.manual_seed(2)
    second = build_strategy(settings, _no_limit)
    for update in range(5):
        asked(second, f"in between {update}")
        step(second, settings, update)
    promise(asked(first) == asked(second), f"{name}: global generators, or asking in between, change what it proposes")


PROMISES = (
    it_proposes_as_many_as_asked_from_the_space,
    it_keeps_limits,
    a_finished_search_keeps_limits_of_later,
    it_goes_on_from_its_saved_state,
    seeds_decide_everything,
)
