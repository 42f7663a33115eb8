"""How good a genotype is on given pictures, behind one interface: by shared weights, trained alone, or from a table."""

from hnas.searching.evaluators.protocol import Differentiable, Evaluator
from hnas.searching.evaluators.shared import SharedEvaluator
from hnas.searching.evaluators.short import score_shortly, short_evaluator, train_shortly
from hnas.searching.evaluators.tabulated import ScoreFolder, TabulatedEvaluator

__all__ = [
    "Differentiable",
    "Evaluator",
    "ScoreFolder",
    "SharedEvaluator",
    "TabulatedEvaluator",
    "score_shortly",
    "short_evaluator",
    "train_shortly",
]
