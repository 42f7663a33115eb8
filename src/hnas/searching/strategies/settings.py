"""What each strategy leaves to choose; the fields are settings of a search by their names.

Fields have their types as they are, not as text (`from __future__ import annotations`): those of a joined dataclass are
read with the names of the module that joins.
"""

from dataclasses import dataclass
from typing import Literal

from hnas.bounds import Checked, refuse_below, refuse_not_above_zero
from hnas.errors import HnasError


@dataclass(frozen=True, kw_only=True)
class NoSettings(Checked):
    """Of a strategy that leaves nothing to choose."""


@dataclass(frozen=True, kw_only=True)
class RateSettings(Checked):
    """Of strategies that learn by a gradient.

    Attributes:
        controller_lr: learning rate of the controller (or of darts' logits) at the start (Adam).
        controller_lr_end: the same at the end (cosine).
    """

    controller_lr: float = 3e-4
    controller_lr_end: float = 1.5e-4

    def __post_init__(self) -> None:
        refuse_below(0, self, "controller_lr_end")
        refuse_not_above_zero(self, "controller_lr")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class PolicySettings(RateSettings):
    """Of strategies that learn a policy by its gradient.

    Attributes:
        hidden: hidden units of the controller's LSTMs.
        standardise: rewards are divided by their usual spread within a batch, so that entropy_weight means the same
            whatever the shared weights, the cost and lambda; off in the paper.
        entropy_weight: weight of the entropy (nats) in what the controller makes large; with a range of lambda four
            times this weight, without which the policy settles on the cheap (docs/search.md).
        baseline_decay: decay of the moving average of all rewards so far, where that is the baseline.
    """

    hidden: int = 100
    standardise: bool = False
    entropy_weight: float = 1.0
    baseline_decay: float = 0.95

    def __post_init__(self) -> None:
        refuse_below(1, self, "hidden")
        refuse_below(0, self, "entropy_weight")
        if not 0 < self.baseline_decay < 1:
            raise HnasError(f"baseline_decay is {self.baseline_decay}; allowed is more than 0 and less than 1")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class PopulationSettings(Checked):
    """Of strategies that remember a population.

    Attributes:
        population: the newest genotypes, from which evolution draws parents and a controller for a range of lambda the
            best for each; a generation of nsga2, and the best that local-search remembers.
    """

    population: int = 50

    def __post_init__(self) -> None:
        refuse_below(1, self, "population")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class ControllerSettings(PolicySettings, PopulationSettings):
    """Of the controller of the paper.

    Attributes:
        baseline: what a reward is compared with: the mean of the other genotypes on the same batch
            ("leave-one-out"), or a moving average of all rewards so far ("ema").
    """

    baseline: Literal["leave-one-out", "ema"] = "leave-one-out"


@dataclass(frozen=True, kw_only=True)
class EvolutionSettings(PopulationSettings):
    """Of regularised evolution.

    Attributes:
        tournament: genotypes that evolution draws a parent from.
    """

    tournament: int = 10

    def __post_init__(self) -> None:
        refuse_below(1, self, "tournament")
        if self.tournament > self.population:
            raise HnasError(f"tournament is {self.tournament}; allowed is at most population, {self.population}")
        super().__post_init__()
