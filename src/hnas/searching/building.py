"""A search from its settings: what scores genotypes and what proposes them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lightning_fabric import Fabric
from torch import Tensor

from hnas.searching.costs import CostTable
from hnas.searching.evaluators import Evaluator, SharedEvaluator, short_evaluator
from hnas.searching.evaluators.tabulated import Table
from hnas.searching.pictures import SearchPictures, search_pictures, training_patches
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings
from hnas.searching.shared_training import SharedTraining
from hnas.searching.splits import Splits
from hnas.searching.strategies import build_strategy


def build_searcher(
    settings: SearchSettings,
    splits: Splits,
    costs: CostTable,
    fabric: Fabric,
    *,
    table: Table | None = None,
) -> Searcher:
    """A search at its start.

    Args:
        settings: what is searched, and how.
        splits: the pictures.
        costs: table of costs.
        fabric: the devices, launched.
        table: where scores by short training are kept; in memory by default.

    Raises:
        HnasError: settings that are not for the strategy, too small a picture, or samples that cannot be shared out.
    """
    pictures = search_pictures(settings, splits, fabric.device)
    evaluator = _evaluator(settings, pictures, fabric, table)
    return Searcher(
        settings,
        pictures=pictures,
        costs=costs,
        evaluator=evaluator,
        propose_within=partial(build_strategy, settings),
        fabric=fabric,
    )


def _evaluator(settings: SearchSettings, pictures: SearchPictures, fabric: Fabric, table: Table | None) -> Evaluator:
    """What the settings name: the shared weights, or training alone."""
    patches = training_patches(settings, pictures.splits)
    if settings.scorer == "shared":
        return SharedEvaluator(SharedTraining(settings, patches, fabric), settings.search_space, fabric)
    asked: Sequence[tuple[Tensor, Tensor]] = (
        pictures.scoring.batch(0, device=fabric.device),
        pictures.validation,
    )
    return short_evaluator(settings, patches, asked, fabric, table=table)


def search_by(base: Searcher, settings: SearchSettings) -> Searcher:
    """Another search by the same scores, whatever its seed and strategy: those of the same weights or the same table.

    Args:
        base: whose evaluator it shares. A table has scores on one batch, so its pictures are shared too.
        settings: of the other search, which trains no shared weights.
    """
    tabulated = base.weights is None
    other = Searcher(
        settings,
        pictures=base.pictures if tabulated else search_pictures(settings, base.pictures.splits, base.fabric.device),
        costs=base.costs,
        evaluator=base.evaluator,
        propose_within=partial(build_strategy, settings),
        fabric=base.fabric,
    )
    other.ahead = base.ahead
    return other
