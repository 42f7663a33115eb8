"""What a search and a study of several do, a concern each."""

from hnas.searching.settings.budget import Budget, Limits, in_words
from hnas.searching.settings.run import RunSettings
from hnas.searching.settings.scoring import ScoringSettings
from hnas.searching.settings.search import SearchSettings
from hnas.searching.settings.shared import SharedSettings
from hnas.searching.settings.space import SpaceSettings
from hnas.searching.settings.strategy import StrategySettings
from hnas.searching.settings.study import STUDY_POINTS, StudySettings

__all__ = [
    "STUDY_POINTS",
    "Budget",
    "Limits",
    "RunSettings",
    "ScoringSettings",
    "SearchSettings",
    "SharedSettings",
    "SpaceSettings",
    "StrategySettings",
    "StudySettings",
    "in_words",
]
