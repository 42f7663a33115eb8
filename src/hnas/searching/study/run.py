"""Does a strategy beat chance? Strategies and seeds at an equal number of evaluations, by the same scores.

With shared weights, those of every seed are trained once, on genotypes that show every choice equally often, and then
frozen. With short training, a genotype's score is one and the same in all searches, and kept in a table. So what
differs between strategies is the strategy alone.

Workers do what is independent: with shared weights their training and whole searches, otherwise every evaluation, which
all searches ask for at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from random import Random
from statistics import fmean, stdev
from typing import Any, TypeVar

from hnas.deploy.timing.latency_table import LatencyTable
from hnas.errors import HnasError
from hnas.launched import refuse_several
from hnas.ranking import kendall_tau
from hnas.run_files import CONFIG, SCORES
from hnas.searching.building import build_searcher, search_by
from hnas.searching.costs import CostTable
from hnas.searching.evaluations import FoldersOfPictures, splits_of
from hnas.searching.latency import find_table, needs_table
from hnas.searching.reward import Scored
from hnas.searching.runs import RESULT, open_searcher, search_and_derive
from hnas.searching.score_table import ScoreTable, score_by
from hnas.searching.searcher import Searcher
from hnas.searching.settings import STUDY_POINTS, SearchSettings, StudySettings
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
from hnas.workers import Engine, Workers, open_workers

STUDY = "study.json"
T = TypeVar("T")
#: Random genotypes by which the spread of shared weights is measured.
_PROBES = 60
#: The scores of genotypes that are trained longer, in the study's folder; those of the searches are in SCORES.
_ALONE = "alone"


def run_study(
    data: str | Path,
    validation: str | Path | None = None,
    *,
    run_dir: str | Path,
    settings: SearchSettings,
    study: StudySettings,
    engine: Engine | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda sentence: None,
    then: str = "",
) -> dict[str, Any]:
    """Runs all searches, each in a folder of its own below ``run_dir``, and writes ``study.json``.

    Args:
        data: folder of training pictures, or the name of a known set.
        validation: the same of validation pictures; without, a tenth of ``data`` is held out.
        run_dir: folder of the study.
        settings: of every search, but for the strategy, the seed and the number of rounds.
        study: what is compared.
        engine: who does the work; this process by default.
        resume: go on where a study was stopped; searches that were finished stay.
        overwrite: take an earlier study away first.
        progress: called with a sentence whenever a part is done.
        then: see :func:`hnas.training.run_folder.open_run`; the result is the one on record where only this is missing.

    Raises:
        HnasError: as :func:`hnas.searching.runs.search`.
    """
    refuse_several("hnas study", "start it once; --processes and --on ray share its work out")
    if settings.conditional:
        raise HnasError(f"lam is {settings.lam}; a study needs one lambda, such as 0.9")
    if settings.asynchronous:
        raise HnasError("asynchronous is not for a study: which strategy is ahead would hang on who was quick")
    for name in study.strategies:  # refuses what is not for these settings, before anything is trained
        build_strategy(replace(settings, strategy=name), lambda genotype: 0.0)
    pictures = FoldersOfPictures(str(data), None if validation is None else str(validation))
    splits_of(pictures, settings, once=True)  # whose mistakes come out before anything is written
    config = {"command": "study", **asdict(pictures), **asdict(study), **asdict(settings)}
    del config["strategy"], config["seed"]
    folder = open_run(run_dir, config, result=STUDY, resume=resume, overwrite=overwrite, then=then)
    if folder.finished:
        return dict(mapping(str(folder.path / STUDY), read_json(folder.path / STUDY)))
    if overwrite:
        for part in folder.path.glob("seed-*"):
            if (part / CONFIG).is_file():
                shutil.rmtree(part)
        for table in (SCORES, _ALONE):
            shutil.rmtree(folder.path / table, ignore_errors=True)
    fabric = start_fabric()
    latencies = find_table(settings, fabric.device, say=progress) if needs_table(settings) else None  # one for all
    searches: list[tuple[str, int]] = [(name, seed) for seed in range(study.seeds) for name in study.strategies]
    with open_workers(engine or Engine()) as workers:
        if settings.scorer == "shared":
            shared = partial(_train_shared, folder.path, pictures, settings, latencies)
            _map(workers, shared, range(study.seeds), progress, "shared weights of seed {} trained")
            one = partial(_search, folder.path, pictures, settings, study)
            _map(workers, one, searches, progress, "search {0[0]}, seed {0[1]} done")
            judges = [_open_shared(folder.path, pictures, settings, seed) for seed in range(study.seeds)]
        else:
            own = replace(settings, seed=0)  # one table for all seeds
            base = build_searcher(
                own, splits_of(pictures, own, once=True), CostTable.with_table(own, latencies), fabric
            )
            score_by(ScoreTable(base, pictures, folder.path / SCORES, workers), base)
            _search_by_table(folder.path, pictures, study, base, searches, workers, progress)
            judges = [base] * study.seeds
        psnrs = _train_alone(folder.path, pictures, settings, study, judges[0], workers, progress)
        result = {"settings": config, **_analyse(folder.path, settings, study, judges, psnrs)}
    folder.write_json(STUDY, result)
    return result


def _map(
    workers: Workers, work: Callable[[Any], T], items: Iterable[Any], progress: Callable[[str], None], sentence: str
) -> list[T]:
    """All results in order."""
    futures = {}
    for item in items:
        future = workers.submit(work, item)
        futures[future] = item
        if workers.here:
            future.result()
            progress(sentence.format(item))
    if not workers.here:
        for future in as_completed(futures):
            future.result()
            progress(sentence.format(futures[future]))
    return [future.result() for future in futures]


def _run(path: Path, searcher: Searcher, pictures: FoldersOfPictures) -> None:
    """A search in a folder of the study: begun, or gone on with."""
    config = {"command": "search", **asdict(pictures), **asdict(searcher.settings)}
    search_and_derive(searcher, open_run(path, config, result=RESULT, resume=True), resume=True)


def _open_shared(folder: Path, pictures: FoldersOfPictures, settings: SearchSettings, seed: int) -> Searcher:
    splits = splits_of(pictures, replace(settings, seed=seed), once=True)
    return open_searcher(RunFolder(shared_folder(folder, seed), RESULT), splits=splits)


def shared_weights_only(settings: SearchSettings) -> SearchSettings:
    """A search that trains its shared weights for as long as ``settings`` do, and by no strategy's genotypes."""
    rounds = settings.warmup + settings.rounds - 1
    return replace(settings, strategy="random", w_sampling="fair", warmup=rounds, rounds=1, controller_steps=1)


def _train_shared(
    folder: Path, pictures: FoldersOfPictures, settings: SearchSettings, latencies: LatencyTable | None, seed: int
) -> None:
    path = shared_folder(folder, seed)
    if RunFolder(path, RESULT).finished:
        return
    # No tau: a study trains genotypes alone for all strategies together.
    own = replace(shared_weights_only(settings), seed=seed, tau_samples=0)
    costs = CostTable.with_table(own, latencies)
    _run(path, build_searcher(own, splits_of(pictures, own, once=True), costs, start_fabric()), pictures)


def _settings_of(settings: SearchSettings, study: StudySettings, name: str, seed: int) -> SearchSettings:
    rounds = study.evaluations // settings.samples
    return replace(settings, seed=seed, strategy=name, warmup=0, w_steps=0, rounds=rounds, controller_steps=1)


def _search(
    folder: Path, pictures: FoldersOfPictures, settings: SearchSettings, study: StudySettings, item: tuple[str, int]
) -> None:
    """A search by the frozen weights of its seed."""
    name, seed = item
    path = search_folder(folder, seed, name)
    if RunFolder(path, RESULT).finished:
        return
    base = _open_shared(folder, pictures, settings, seed)
    _run(path, search_by(base, _settings_of(settings, study, name, seed)), pictures)


def _search_by_table(
    folder: Path,
    pictures: FoldersOfPictures,
    study: StudySettings,
    base: Searcher,
    items: Sequence[tuple[str, int]],
    workers: Workers,
    progress: Callable[[str], None],
) -> None:
    """All searches at once, each waiting for the scores that it asked for; one after the other in a single process."""
    searchers = {}
    for name, seed in items:
        path = search_folder(folder, seed, name)
        if not RunFolder(path, RESULT).finished:
            own = replace(_settings_of(base.settings, study, name, seed), derive_samples=1, checkpoint_every=1)
            searchers[name, seed] = path, search_by(base, own)
    if workers.here:
        for (name, seed), (path, searcher) in searchers.items():
            _run(path, searcher, pictures)
            progress(f"search {name}, seed {seed} done")
        return
    with ThreadPoolExecutor(max(1, len(searchers))) as threads:
        runs = {threads.submit(_run, path, one, pictures): item for item, (path, one) in searchers.items()}
        try:
            for done in as_completed(runs):
                done.result()
                progress("search {0[0]}, seed {0[1]} done".format(runs[done]))
        except BaseException:
            workers.close()  # which wakes the others, so that they end
            raise


def _random_genotype(settings: SearchSettings, index: int) -> Genotype:
    drawn: Genotype = settings.search_space.sample(Random(f"alone {index}"))
    return drawn


def _train_alone(
    folder: Path,
    pictures: FoldersOfPictures,
    settings: SearchSettings,
    study: StudySettings,
    base: Searcher,
    workers: Workers,
    progress: Callable[[str], None],
) -> list[float]:
    """PSNR on the validation crops of random genotypes trained alone; kept in a table of their own."""
    # A start of their own, unlike that of any score: what two trainings from one start share is not worth.
    trained = replace(settings, seed=study.seeds, short_steps=study.alone_steps)
    table = ScoreTable(base, pictures, folder / _ALONE, workers, trained=trained)
    genotypes = [_random_genotype(settings, index) for index in range(study.alone)]
    if not workers.here:
        table.ahead(genotypes)
    psnrs = []
    for index, genotype in enumerate(genotypes):
        psnrs.append(table.future(genotype).result()[1])
        progress(f"genotype {index} trained alone")
    return psnrs


def _analyse(
    folder: Path,
    settings: SearchSettings,
    study: StudySettings,
    judges: Sequence[Searcher],
    alone: Sequence[float],
) -> dict[str, Any]:
    lam = settings.lam_range[0]
    curves: dict[str, list[list[float]]] = {name: [] for name in study.strategies}
    derived: dict[str, list[float]] = {name: [] for name in study.strategies}
    fronts: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in study.strategies}
    scores, ranking = [], []
    tabulated_scores = settings.scorer == "short"
    for seed in range(study.seeds):
        judge = _Judge(judges[seed], lam)
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
