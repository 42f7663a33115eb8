"""Rewards made up so that the best genotype is known, on both spaces, and strategies run against them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest

from hnas.searching.candidate_cost import CandidateCost
from hnas.searching.reward import Scored, Spread, joint_reward
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import Strategy
from hnas.space import Genotype
from tests.searching.conftest import TINY
from tests.space.spaces import TINY_CHAINS

LAM = 0.5
#: Settings of both spaces, of 512 and of 80 genotypes; every strategy takes the scorer.
SPACES: dict[str, SearchSettings] = {
    "cells": replace(TINY, scorer="short", samples=4, population=16, tournament=5, controller_lr=2e-2),
    "chain": replace(
        TINY, scorer="short", samples=4, population=16, tournament=5, controller_lr=2e-2, space="chain",
        widths=TINY_CHAINS.widths, depths=TINY_CHAINS.depths, blocks=TINY_CHAINS.blocks, after=TINY_CHAINS.after,
        colour="rgb",
    ),
}  # fmt: skip


def skip_absent(name: str) -> None:
    """Skips the test where the package of a strategy is not there."""
    if name.startswith("optuna:"):
        pytest.importorskip("optuna", reason="pip install 'hnas-sr[optuna]'")


def settings_of(space: str, name: str, *, updates: int = 4) -> SearchSettings:
    """Of a search by this strategy; skips the test where its package is not there."""
    skip_absent(name)
    return replace(SPACES[space], strategy=name, rounds=updates, controller_steps=1)


def best_of(settings: SearchSettings) -> Genotype:
    """A genotype in the midst of the space."""
    genotype: Genotype = settings.search_space.sample(Random("best"))
    return genotype


def agreement(settings: SearchSettings) -> Callable[[Genotype], float]:
    """A made-up gain, dB: the decisions that are those of the best, so it alone has the most, and no hill is false."""
    space = settings.search_space
    best = space.encode(best_of(settings))
    decisions = [place for place in range(len(best)) if space.open_options(best[:place]) > 1]

    def gain(genotype: Genotype) -> float:
        tokens = space.encode(genotype)
        return float(sum(tokens[place] == best[place] for place in decisions))

    return gain


def scored(genotypes: Sequence[Genotype], gain: Callable[[Genotype], float], pictures: float = 30.0) -> list[Scored]:
    """Scores at no cost, on pictures where bicubic interpolation has so many dB."""
    cost = CandidateCost(macs=1, params=1, latency=None, relative=0.0)
    return [
        Scored(one, pictures + gain(one), gain(one), cost, joint_reward(pictures + gain(one), 0.0, LAM))
        for one in genotypes
    ]


def step(strategy: Strategy, settings: SearchSettings, update: int) -> list[Genotype]:
    """One update by the made-up gain; what was asked for."""
    asked = strategy.ask(settings.samples, lam=LAM, random=Random(f"update {update}"))
    strategy.tell(scored(asked, agreement(settings)), lam=LAM, spread=Spread())
    return asked
