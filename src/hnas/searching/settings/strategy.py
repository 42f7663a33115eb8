"""Which strategy proposes genotypes, and what each of them leaves to choose."""

from dataclasses import dataclass

from hnas.searching.strategies.registry import refuse_unknown
from hnas.searching.strategies.settings import ControllerSettings, EvolutionSettings


@dataclass(frozen=True, kw_only=True)
class StrategySettings(ControllerSettings, EvolutionSettings):
    """The strategy by name, and the settings of all that come along, each declared with its strategy.

    Attributes:
        strategy: what proposes genotypes: the hierarchical "controller" (paper), "controller-flat" (the position is
            drawn uniformly), "random", "evolution", or a peer: "enas", "nas-rl" (needs scorer short), "ppo", "nsga2",
            "local-search", "darts" (needs scorer shared), "optuna:tpe" (needs the extra optuna), or one of another
            package (docs/extend.md).

    Raises:
        HnasError: no strategy of this name, or a value outside its bounds.
    """

    strategy: str = "controller"

    def __post_init__(self) -> None:
        refuse_unknown("strategy is", self.strategy)
        super().__post_init__()
