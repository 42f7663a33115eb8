"""Rewards made up so that the best genotype is known, on both spaces, and strategies run against them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from hnas.errors import HnasError
from hnas.searching.candidate_cost import CandidateCost
from hnas.searching.reward import Scored, Spread, joint_reward
from hnas.searching.settings import SearchSettings
from hnas.searching.strategies import Strategy, build_strategy
from hnas.space import Genotype

LAM = 0.5
_ANY = SearchSettings(
    scorer="short",
    samples=4,
    population=16,
    tournament=5,
    hidden=8,
    controller_lr=2e-2,
    entropy_weight=0.01,
    target_channels=4,
)
#: Settings of both spaces, of 512 and of 80 genotypes.
SPACES: dict[str, SearchSettings] = {
    "cells": replace(
        _ANY,
        layers=2,
        nodes=1,
        normal_operations=("identity", "sep_conv_3x3"),
        upsampling_operations=("nearest", "sub_pixel"),
    ),
    "chain": replace(
        _ANY,
        space="chain",
        widths=(3, 2),
        depths=(1, 3),
        blocks=("conv_3x3", "residual_3x3"),
        after=(1, 0),
        colour="rgb",
    ),
}


def settings_of(space: str, name: str, *, updates: int = 4) -> SearchSettings:
    """Of a search of so many updates by this strategy."""
    return by_its_scorer(replace(SPACES[space], strategy=name, rounds=updates, controller_steps=1))


def by_its_scorer(settings: SearchSettings) -> SearchSettings:
    """With training alone as the scorer, or else shared weights if the strategy takes no others."""
    settings = replace(settings, scorer="short")
    try:
        build_strategy(settings, lambda genotype: 0.0)
    except HnasError:
        return replace(settings, scorer="shared")
    return settings


def best_of(settings: SearchSettings) -> Genotype:
    """A genotype in the midst of the space."""
    genotype: Genotype = settings.search_space.sample(Random("best"))
    return genotype


def agreements(settings: SearchSettings) -> Callable[[Genotype], tuple[float, ...]]:
    """For every decision 1 dB where it is that of the best, else 0: the slopes of a gain that is their sum, each times
    the factor on what was chosen."""
    space = settings.search_space
    best = space.encode(best_of(settings))
    decisions = [space.open_options(best[:place]) > 1 for place in range(len(best))]

    def slopes(genotype: Genotype) -> tuple[float, ...]:
        return tuple(
            float(one == other) * decides
            for one, other, decides in zip(space.encode(genotype), best, decisions, strict=True)
        )

    return slopes


def agreement(settings: SearchSettings) -> Callable[[Genotype], float]:
    """A made-up gain, dB: the decisions that are those of the best, so it alone has the most, and no hill is false."""
    slopes = agreements(settings)
    return lambda genotype: sum(slopes(genotype))


def scored(genotypes: Sequence[Genotype], gain: Callable[[Genotype], float], pictures: float = 30.0) -> list[Scored]:
    """Scores at no cost, on pictures where bicubic interpolation has so many dB."""
    cost = CandidateCost(macs=1, params=1, latency=None, relative=0.0)
    return [
        Scored(one, pictures + gain(one), gain(one), cost, joint_reward(pictures + gain(one), 0.0, LAM))
        for one in genotypes
    ]


def scored_by_agreement(genotypes: Sequence[Genotype], settings: SearchSettings) -> list[Scored]:
    """Scores of the made-up gain, with their slopes."""
    slopes = agreements(settings)
    return [replace(one, slopes=slopes(one.genotype)) for one in scored(genotypes, agreement(settings))]


def step(strategy: Strategy, settings: SearchSettings, update: int) -> list[Genotype]:
    """One update by the made-up gain; what was asked for."""
    asked = strategy.ask(settings.samples, lam=LAM, random=Random(f"update {update}"))
    strategy.tell(scored_by_agreement(asked, settings), lam=LAM, spread=Spread())
    return asked
