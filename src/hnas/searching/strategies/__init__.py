"""What proposes genotypes, behind one interface (ask for some, tell how they scored), a file each."""

from hnas.searching.strategies.pareto import pareto_ranks
from hnas.searching.strategies.protocol import Strategy, wants_slopes
from hnas.searching.strategies.registry import STRATEGIES, Entry, build_strategy
from hnas.searching.strategies.task import Task

__all__ = ["STRATEGIES", "Entry", "Strategy", "Task", "build_strategy", "pareto_ranks", "wants_slopes"]
