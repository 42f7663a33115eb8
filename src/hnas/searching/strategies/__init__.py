"""What proposes genotypes, behind one interface (ask for some, tell how they scored), a file each."""

from hnas.searching.strategies.evolution import EvolutionStrategy
from hnas.searching.strategies.pareto import pareto_ranks
from hnas.searching.strategies.protocol import Strategy
from hnas.searching.strategies.reinforce import ControllerStrategy, policy_loss
from hnas.searching.strategies.uniform import RandomStrategy
from hnas.searching.strategy_registry import build_strategy

__all__ = [
    "ControllerStrategy",
    "EvolutionStrategy",
    "RandomStrategy",
    "Strategy",
    "build_strategy",
    "pareto_ranks",
    "policy_loss",
]
