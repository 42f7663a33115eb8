"""All settings of a search, flat: what Python, a file and the command line fill.

Fields have their types as they are, not as text (`from __future__ import annotations`), here and in what is joined:
those of a joined dataclass are read with the names of the module that joins.
"""

from dataclasses import dataclass

from hnas.errors import HnasError
from hnas.searching.settings.budget import Budget
from hnas.searching.settings.run import RunSettings
from hnas.searching.settings.scoring import ScoringSettings
from hnas.searching.settings.shared import SharedSettings
from hnas.searching.settings.space import SpaceSettings
from hnas.searching.settings.strategy import StrategySettings


# In this order help lists them from the last to the first.
@dataclass(frozen=True, kw_only=True)
class SearchSettings(RunSettings, ScoringSettings, Budget, StrategySettings, SharedSettings, SpaceSettings):
    """One search: Algorithm 1 of the paper, then the derivation of a genotype.

    The help of ``hnas search`` says in what the preset ``paper`` differs from the defaults.

    What a part of the search needs it asks for by its concern: space, shared weights, strategy, budget, scoring, run.

    Raises:
        HnasError: a value outside its bounds, or values that contradict each other.
    """

    def __post_init__(self) -> None:
        if self.scorer == "short" and not self.derive_patch:
            raise HnasError("derive_patch is 0, whole pictures, which scorer short does not take; set it to 48 or so")
        super().__post_init__()

    @property
    def exhausts(self) -> bool:
        """Whether the derivation scores the whole space."""
        return self.search_space.size <= self.exhaustive
