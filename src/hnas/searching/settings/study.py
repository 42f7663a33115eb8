"""What a study of several searches compares."""

from __future__ import annotations

from dataclasses import dataclass

from hnas.bounds import refuse_below
from hnas.errors import HnasError
from hnas.searching.strategies.registry import refuse_unknown

#: Points of a study's curve of the best reward against evaluations.
STUDY_POINTS = 10


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """A study: what is compared.

    Attributes:
        strategies: by name; any that ``hnas search --strategy`` takes.
        seeds: searches of each strategy; seeds 0, 1, ...
        evaluations: genotypes that each search scores.
        alone: random genotypes that are trained alone for Kendall's tau of the scores.
        alone_steps: updates of that training; rate and patches are those of the search settings' short training.
        processes: searches at a time.

    Raises:
        HnasError: no strategy of such a name, or a value outside its bounds.
    """

    strategies: tuple[str, ...] = ("controller", "controller-flat", "random", "evolution")
    seeds: int = 3
    evaluations: int = 400
    alone: int = 12
    alone_steps: int = 300
    processes: int = 1

    def __post_init__(self) -> None:
        if not self.strategies:
            raise HnasError("strategies are none; name one or more, such as controller and random")
        refuse_unknown("strategies have", *self.strategies)
        refuse_below(STUDY_POINTS, self, "evaluations")
        refuse_below(1, self, "seeds", "alone_steps", "processes")
        refuse_below(0, self, "alone")
