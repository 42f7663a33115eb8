"""Does a strategy beat chance? Strategies and seeds at an equal number of evaluations, by the same scores.

With shared weights, those of every seed are trained once, on genotypes that show every choice equally often, and then
frozen. With short training, a genotype's score is one and the same in all searches, and kept in a table. So what
differs between strategies is the strategy alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from typing import Any, TypeVar

import torch

from hnas.data.degradations import as_degraded
from hnas.data.folders import Pair, load_pairs
from hnas.errors import HnasError
from hnas.ranking import kendall_tau
from hnas.run_files import CONFIG, LOG
from hnas.searching.building import build_searcher, search_by
from hnas.searching.costs import CostTable
from hnas.searching.evaluators import ScoreFolder, score_shortly
from hnas.searching.latency import find_table, needs_table
from hnas.searching.pictures import training_patches
from hnas.searching.reward import Scored
from hnas.searching.runs import RESULT, open_searcher, search_and_derive
from hnas.searching.searcher import Searcher
from hnas.searching.settings import STUDY_POINTS, SearchSettings, StudySettings
from hnas.searching.splits import Splits, split_pictures
from hnas.searching.strategies import build_strategy
from hnas.searching.study.figures import (
    best_so_far,
    derived_worth,
    entropies_of,
    evaluations_of,
    front_of,
    histogram_of,
    mean_and_spread,
)
from hnas.searching.study.folders import search_folder, shared_folder
from hnas.searching.study.hypervolume import hypervolume
from hnas.space import Genotype
from hnas.training.devices import start_fabric
from hnas.training.run_folder import RunFolder, open_run
from hnas.values import mapping, read_json

STUDY = "study.json"
T = TypeVar("T")
#: Random genotypes by which the spread of shared weights is measured.
_PROBES = 60
#: The table of scores by short training, in the study's folder.
_TABLE = "scores"


@dataclass(frozen=True)
class _Pictures:
    data: str
    val: str | None


def run_study(
    data: str | Path,
    validation: str | Path | None = None,
    *,
    run_dir: str | Path,
    settings: SearchSettings,
    study: StudySettings,
    resume: bool = False,
    overwrite: bool = False,
    progress: Callable[[str], None] | None = None,
    then: str = "",
) -> dict[str, Any]:
    """Runs all searches, each in a folder of its own below ``run_dir``, and writes ``study.json``.

    Args:
        data: folder of training pictures.
        validation: folder of validation pictures; without one, a tenth of ``data`` is held out.
        run_dir: folder of the study.
        settings: of every search, but for the strategy, the seed and the number of rounds.
        study: what is compared.
        resume: go on where a study was stopped; searches that were finished stay.
        overwrite: take an earlier study away first.
        progress: called with a sentence whenever a part is done.
        then: see :func:`hnas.training.run_folder.open_run`; the result is the one on record where only this is missing.

    Raises:
        HnasError: as :func:`hnas.searching.runs.search`.
    """
    if settings.conditional:
        raise HnasError(f"lam is {settings.lam}; a study needs one lambda, such as 0.9")
    for name in study.strategies:  # refuses what is not for these settings, before anything is trained
        build_strategy(replace(settings, strategy=name), lambda genotype: 0.0)
    pictures = _Pictures(str(data), None if validation is None else str(validation))
    config = {"command": "study", **asdict(pictures), **asdict(study), **asdict(settings)}
    del config["strategy"], config["seed"]
    folder = open_run(run_dir, config, result=STUDY, resume=resume, overwrite=overwrite, then=then)
    if folder.finished:
        return dict(mapping(str(folder.path / STUDY), read_json(folder.path / STUDY)))
    if overwrite:
        for part in (*folder.path.glob("seed-*"), *folder.path.glob("alone-*")):
            if (part / CONFIG).is_file():
                shutil.rmtree(part)
        shutil.rmtree(folder.path / _TABLE, ignore_errors=True)
    if needs_table(settings):
        find_table(
            settings, start_fabric().device, say=progress or (lambda words: None)
        )  # once, and kept for all searches
    seeds = range(study.seeds)
    if settings.scorer == "shared":
        shared = partial(_train_shared, folder.path, pictures, settings)
        _map(shared, seeds, study.processes, progress, "shared weights of seed {} trained")
    searches = [(name, seed) for seed in seeds for name in study.strategies]
    one = partial(_search, folder.path, pictures, settings, study)
    _map(one, searches, study.processes, progress, "search {0[0]}, seed {0[1]} done")
    alone = partial(_train_alone, folder.path, pictures, settings, study)
    psnrs = _map(alone, range(study.alone), study.processes, progress, "genotype {} trained alone")
    result = {"settings": config, **_analyse(folder.path, pictures, settings, study, psnrs)}
    folder.write_json(STUDY, result)
    return result


def _map(
    work: Callable[[Any], T],
    items: Iterable[Any],
    processes: int,
    progress: Callable[[str], None] | None,
    sentence: str,
) -> list[T]:
    """All results in order; in this process, or in several."""
    items = list(items)
    results: list[T] = []
    if processes == 1:
        done: Iterable[T] = map(work, items)
    else:
        pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_one_thread)
        done = pool.map(work, items)
    for item, result in zip(items, done, strict=True):
        results.append(result)
        if progress:
            progress(sentence.format(item))
    if processes > 1:
        pool.shutdown()
    return results


def _one_thread() -> None:
    torch.set_num_threads(1)


def _run(path: Path, searcher: Searcher, pictures: _Pictures) -> None:
    """A search in a folder of the study: begun, or gone on with."""
    config = {"command": "search", **asdict(pictures), **asdict(searcher.settings)}
    search_and_derive(searcher, open_run(path, config, result=RESULT, resume=True), resume=True)


@lru_cache(maxsize=1)
def _pairs(pictures: _Pictures, scale: int) -> tuple[list[Pair], list[Pair]]:
    """Read once in every process of a study."""
    return load_pairs(pictures.data, scale), load_pairs(pictures.val, scale) if pictures.val else []


def _splits(pictures: _Pictures, settings: SearchSettings) -> Splits:
    training, validation = (
        as_degraded(pairs, settings.degradation, seed=settings.seed) for pairs in _pairs(pictures, settings.scale)
    )
    return split_pictures(training, validation, w_fraction=settings.w_fraction, seed=settings.seed)


def _begin(settings: SearchSettings, pictures: _Pictures, table: ScoreFolder | None = None) -> Searcher:
    """A search at its start; scores by short training are kept in the table."""
    fabric = start_fabric()
    costs = CostTable.with_table(settings, find_table(settings, fabric.device))
    return build_searcher(settings, _splits(pictures, settings), costs, fabric, table=table)


def _open_shared(folder: Path, pictures: _Pictures, settings: SearchSettings, seed: int) -> Searcher:
    splits = _splits(pictures, replace(settings, seed=seed))
    return open_searcher(RunFolder(shared_folder(folder, seed), RESULT), splits=splits)


def shared_weights_only(settings: SearchSettings) -> SearchSettings:
    """A search that trains its shared weights for as long as ``settings`` do, and by no strategy's genotypes."""
    rounds = settings.warmup + settings.rounds - 1
    return replace(settings, strategy="random", w_sampling="fair", warmup=rounds, rounds=1, controller_steps=1)


def _train_shared(folder: Path, pictures: _Pictures, settings: SearchSettings, seed: int) -> None:
    path = shared_folder(folder, seed)
    if RunFolder(path, RESULT).finished:
        return
    # No tau: a study trains genotypes alone for all strategies together.
    own = replace(shared_weights_only(settings), seed=seed, tau_samples=0)
    _run(path, _begin(own, pictures), pictures)


def _search(
    folder: Path, pictures: _Pictures, settings: SearchSettings, study: StudySettings, item: tuple[str, int]
) -> None:
    name, seed = item
    path = search_folder(folder, seed, name)
    if RunFolder(path, RESULT).finished:
        return
    rounds = study.evaluations // settings.samples
    own = replace(settings, seed=seed, strategy=name, warmup=0, w_steps=0, rounds=rounds, controller_steps=1)
    if settings.scorer == "short":
        own = replace(own, derive_samples=1, checkpoint_every=1)
    _run(path, search_by(_open_scorer(folder, pictures, settings, seed), own), pictures)


def _open_scorer(folder: Path, pictures: _Pictures, settings: SearchSettings, seed: int) -> Searcher:
    """What scores in all searches of a seed: its frozen shared weights, or the table, which is one for all seeds."""
    if settings.scorer == "shared":
        return _open_shared(folder, pictures, settings, seed)
    return _begin(replace(settings, seed=0), pictures, ScoreFolder(folder / _TABLE))


def _random_genotype(settings: SearchSettings, index: int) -> Genotype:
    drawn: Genotype = settings.search_space.sample(Random(f"alone {index}"))
    return drawn


def _train_alone(
    folder: Path, pictures: _Pictures, settings: SearchSettings, study: StudySettings, index: int
) -> float:
    """PSNR on the validation crops of one genotype trained alone; kept in a file, so that it is done once."""
    path = RunFolder(folder / f"alone-{index}", "score.json")
    if path.finished:
        return float(path.lines(LOG)[-1]["psnr"])
    base = _open_scorer(folder, pictures, settings, 0)
    genotype = _random_genotype(settings, index)
    # A start of its own, unlike that of any score: what two trainings from one start share is not worth.
    recipe = replace(settings, seed=study.seeds, short_steps=study.alone_steps)
    patches, asked = training_patches(replace(settings, seed=0), base.pictures.splits), base.pictures.validation
    (psnr,) = score_shortly(genotype, settings=recipe, patches=patches, pictures=[asked], fabric=base.fabric)
    if settings.scorer == "short":
        base.evaluator(genotype, *asked)  # so that this score, too, is made by one of several processes
    run = open_run(path.path, {"command": "alone", "index": index}, result="score.json", resume=True)
    run.append({"psnr": psnr})
    run.write_json("score.json", {"genotype": genotype.to_dict(), "psnr": psnr})
    return psnr


def _analyse(
    folder: Path, pictures: _Pictures, settings: SearchSettings, study: StudySettings, alone: Sequence[float]
) -> dict[str, Any]:
    lam = settings.lam_range[0]
    curves: dict[str, list[list[float]]] = {name: [] for name in study.strategies}
    derived: dict[str, list[float]] = {name: [] for name in study.strategies}
    fronts: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in study.strategies}
    scores, ranking = [], []
    tabulated_scores = settings.scorer == "short"
    for seed in range(study.seeds):
        judge = _Judge(_open_scorer(folder, pictures, settings, seed), lam)
        if seed == 0 or not tabulated_scores:  # one table serves all seeds
            count = max(study.alone, 2) if tabulated_scores else max(study.alone, _PROBES)
            probes = judge([_random_genotype(settings, index) for index in range(count)])
            gains = [probe.gain for probe in probes]
            scores.append({"gain": fmean(gains), "spread": stdev(gains)})
            if study.alone > 1:
                ranking.append([probe.psnr for probe in probes[: study.alone]])
        for name in study.strategies:
            lines = evaluations_of(search_folder(folder, seed, name))
            curves[name].append([best.worth for best in judge(best_so_far(lines))])
            if not tabulated_scores:  # by short training, a search of a study derives nothing worth a comparison
                derived[name].append(derived_worth(search_folder(folder, seed, name)))
            fronts[name].append([(one.gain, one.cost.relative) for one in judge(front_of(lines))])
    volumes = {name: [hypervolume(front) for front in fronts[name]] for name in study.strategies}
    points = [round(study.evaluations * (index + 1) / STUDY_POINTS) for index in range(STUDY_POINTS)]
    return {
        "evaluations": points,
        "strategies": {
            name: {
                "reward": [mean_and_spread(at) for at in zip(*curves[name], strict=True)],
                "rewards": curves[name],
                "derived": mean_and_spread(derived[name]) if derived[name] else None,
                "deriveds": derived[name],
                "hypervolume": mean_and_spread(volumes[name]),
                "hypervolumes": volumes[name],
                "fronts": fronts[name],
                "entropy": entropies_of(folder, name, study.seeds),
                "operations": histogram_of(folder, name, study.seeds),
            }
            for name in study.strategies
        },
        "scores": scores,
        "alone": list(alone),
        "scored_psnr": ranking,
        "tau": [kendall_tau(psnrs, alone) for psnrs in ranking],
    }


class _Judge:
    """Scores genotypes on validation pictures as the searches of one seed did on theirs, each once."""

    def __init__(self, searcher: Searcher, lam: float) -> None:
        self._searcher, self._lam = searcher, lam
        self._known: dict[Genotype, Scored] = {}

    def __call__(self, genotypes: Sequence[Genotype]) -> list[Scored]:
        new = [genotype for genotype in dict.fromkeys(genotypes) if genotype not in self._known]
        for scored in self._searcher.score_all(new, self._searcher.pictures.validation, self._lam):
            self._known[scored.genotype] = scored
        return [self._known[genotype] for genotype in genotypes]
