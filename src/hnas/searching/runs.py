"""Searches as run folders: what ``hnas search`` and ``hnas derive`` do, as plain functions."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from hnas import __version__
from hnas.data.folders import summary
from hnas.deploy.running.runtimes import BackendName
from hnas.deploy.timing.latency_table import LatencyTable
from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.launched import is_first_process, refuse_several
from hnas.nets import device_description
from hnas.run_files import CONFIG, GENOTYPE, SCORES, WEIGHTS
from hnas.searching.algorithm import SearchProgress, run_search
from hnas.searching.building import build_searcher
from hnas.searching.costs import CostTable
from hnas.searching.derive import Derived, derive_genotype, record, recorded, validated
from hnas.searching.evaluations import FoldersOfPictures, splits_of
from hnas.searching.improve import improve_genotype
from hnas.searching.latency import TABLE, Say, find_table, machine_of, table_of_run
from hnas.searching.score_table import ScoreTable, score_by
from hnas.searching.searcher import Searcher
from hnas.searching.settings import Limits, SearchSettings
from hnas.searching.splits import Splits
from hnas.searching.strategies import Strategy, build_strategy
from hnas.searching.strategies.registry import register_object
from hnas.settings import load_settings, read_config
from hnas.space import Genotype
from hnas.training.checkpoint import load_checkpoint, taking_up
from hnas.training.devices import on_first_process, start_fabric
from hnas.training.precision import remembered_precision
from hnas.training.run_folder import RunFolder, open_run
from hnas.training.settings import DeviceSettings
from hnas.training.teacher import teacher_provenance
from hnas.weights import save_model
from hnas.workers import Engine, open_workers

RESULT = GENOTYPE


def search(
    data: str | Path,
    validation: str | Path | None = None,
    *,
    run_dir: str | Path,
    settings: SearchSettings | None = None,
    strategy: Strategy | None = None,
    devices: DeviceSettings | None = None,
    engine: Engine | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: SearchProgress | None = None,
    say: Say = lambda words: None,
    then: str = "",
) -> Derived:
    """Searches for a genotype and writes it to ``run_dir/genotype.json``.

    Args:
        data: folder of training pictures, or the name of a known set, shared out between the shared weights and the
            strategy.
        validation: the same of pictures that choose the genotype at the end; without, a tenth of ``data`` does.
        run_dir: the run's folder.
        settings: the search; that of the paper, with a bicubic skip, by default.
        strategy: an object that proposes genotypes of ``settings.search_space``, instead of what ``settings`` name; the
            search keeps it within the limits, and has it on record by the name that
            :func:`hnas.searching.strategies.registry.register_object` gives it.
        devices: where it runs.
        engine: who trains genotypes alone, with ``scorer`` short; this process by default.
        resume: go on with the run in this folder.
        overwrite: replace the run in this folder.
        progress: called after every round.
        say: is told what latencies are measured, before that begins, and which finalists miss their limit.
        then: see :func:`hnas.training.run_folder.open_run`; what was chosen is on record where only this is missing.

    Returns:
        The chosen genotype with its scores, and the others it was chosen from.

    Raises:
        HnasError: pictures, settings or the folder are not fit for it, a loss is not finite, or the disk is full.
    """
    settings, engine = settings or SearchSettings(), engine or Engine()
    if settings.scorer != "short" and not engine.here:
        raise HnasError(
            f"--on {engine.on} --processes {engine.processes} share out what --scorer short trains; shared weights "
            "score where they are, on --devices"
        )
    if strategy is not None:
        settings = replace(settings, strategy=register_object(strategy))
    fabric = start_fabric(devices)
    if fabric.world_size > 1 and (settings.asynchronous or not engine.here):
        raise HnasError(
            "several devices score in step with each other; use --processes or --on ray, or --devices alone"
        )
    paths = {"data": str(data), "val": None if validation is None else str(validation)}
    build_strategy(settings, lambda genotype: 0.0)  # refuses settings that are not for it, before anything is read
    folders = FoldersOfPictures.named(paths)
    splits = splits_of(folders, settings)  # whose mistakes come out before latencies are measured for long
    kept = table_of_run(Path(run_dir)) if resume else None

    def table() -> LatencyTable | None:
        if kept and (different := kept.differences(machine_of(settings, fabric.device).as_dict(), {})):
            raise HnasError(
                f"{run_dir}: this search goes by latencies of another machine ({different[0]}); go on with it there, "
                "or start anew with --overwrite"
            )
        return kept or find_table(settings, fabric.device, say=say)

    costs = CostTable.with_table(settings, on_first_process(fabric, table))
    costs.usage(settings.limits)  # refuses limits that nothing keeps
    searcher = build_searcher(settings, splits, costs, fabric)
    config = {"command": "search", **paths, **asdict(settings)}
    run = on_first_process(
        fabric,
        lambda: open_run(run_dir, config, result=GENOTYPE, resume=resume, overwrite=overwrite, then=then),
    )
    if found := on_first_process(fabric, lambda: recorded(run, settings) if run.finished else None):
        return found
    with open_workers(engine) as workers:
        if settings.scorer == "short" and fabric.world_size == 1:
            score_by(ScoreTable(searcher, folders, run.path / SCORES, workers), searcher)
        return search_and_derive(searcher, run, resume=resume, progress=progress, say=say)


def search_and_derive(
    searcher: Searcher,
    run: RunFolder,
    *,
    resume: bool = False,
    progress: SearchProgress | None = None,
    say: Say = lambda words: None,
) -> Derived:
    """:func:`search` in an open run folder.

    Raises:
        HnasError: a loss is not finite, the disk is full, or no finalist keeps a limit of latency.
    """
    if searcher.costs.table and is_first_process():
        write_atomically(run.path / TABLE, searcher.costs.table.to_json())
    run_search(searcher, run, resume=resume, progress=progress)

    derived = derive_genotype(searcher, say=say)

    def hand_on() -> None:
        record(derived, run, step=searcher.round)
        hand_over(searcher, derived.best.genotype, run.path / WEIGHTS)
        run.write_json(RESULT, derived.best.genotype.to_dict())

    on_first_process(searcher.fabric, hand_on)
    return derived


def derive(
    run_dir: str | Path,
    *,
    count: int | None = None,
    limits: Limits | None = None,
    lam: float | None = None,
    improve: Genotype | None = None,
    strategy: Strategy | None = None,
    backend: BackendName | None = None,
    threads: int | None = None,
    engine: Engine | None = None,
    output: str | Path | None = None,
    say: Say = lambda words: None,
) -> Derived:
    """Chooses a genotype from a finished search anew, for other limits or another lambda.

    Args:
        run_dir: the folder of a search.
        count: genotypes to score; as many as the search did by default.
        limits: hard limits at the target size; those of the search by default.
        lam: weight of PSNR in the reward that chooses; see :func:`hnas.searching.derive.derive_genotype`.
        improve: a genotype that is changed where that costs nothing more, in place of what the search proposes; see
            :func:`hnas.searching.improve.improve_genotype`.
        strategy: where the search had one handed in: another object of the same class, which takes up its state.
        backend: what milliseconds are of; by default as in the search. So are the ``threads``.
        threads: see :class:`~hnas.searching.settings.SearchSettings`.
        engine: as for :func:`search`.
        say: as for :func:`search`.
        output: the JSON file to write; ``run_dir/genotype.json`` by default. Where shared weights are the network's
            own, its weights are written beside it: ``weights.safetensors``, or as ``output`` with that ending.

    Raises:
        HnasError: no finished search there, nothing within the limits, or an output that the weights are written to.
    """
    refuse_several("hnas derive", "start it once")
    path = Path(run_dir) / RESULT if output is None else Path(output)
    weights = Path(run_dir) / WEIGHTS if output is None else path.with_suffix(".safetensors")
    if path == weights:
        raise HnasError(f"{path}: the genotype is written as JSON, and weights beside it; give a name such as x.json")
    run = RunFolder(Path(run_dir), RESULT)
    if not run.path.is_dir():
        why = "is not a folder" if run.path.exists() else "does not exist"
        raise HnasError(f"{run.path} {why}; name the run folder of a search")
    if not (run.path / CONFIG).is_file():
        raise HnasError(f"{run.path}: not a run folder (no {CONFIG}); name that of a search")
    unfinished = HnasError(f"{run.path}: no finished search (it has no {RESULT}); finish it with hnas search --resume")
    if not run.finished and not run.checkpoint.is_dir():
        raise unfinished
    name = None if strategy is None else register_object(strategy)
    searcher = open_searcher(run)
    if name not in (None, searcher.settings.strategy):
        raise HnasError(f"{run.path}: its strategy is {searcher.settings.strategy}, not {name}; hand in one of its own")
    if not run.finished and searcher.round < searcher.rounds:
        raise unfinished
    settings, costs = searcher.settings, searcher.costs
    settings = replace(
        settings,
        backend=settings.backend if backend is None else backend,
        threads=settings.threads if threads is None else threads,
    )
    limited = limits if limits is not None else settings.limits
    if limited.latency:
        table = find_table(settings, searcher.fabric.device, limits=limited, kept=costs.table, say=say)
        costs = CostTable.with_table(settings, table)
    searcher = searcher.at_costs(costs, settings)
    with open_workers(engine or Engine()) as workers:
        if settings.scorer == "short":
            folders = FoldersOfPictures.named(read_config(run.path / CONFIG, "search"))
            score_by(ScoreTable(searcher, folders, run.path / SCORES, workers), searcher)
        if improve is None:
            derived = derive_genotype(searcher, count=count, limits=limits, lam=lam, say=say)
        elif count is None and lam is None:
            derived = improve_genotype(searcher, improve, limits=limits, say=say)
        else:
            raise HnasError("a genotype is improved by its PSNR, for as long as that pays; leave out lam and samples")
    hand_over(searcher, derived.best.genotype, weights)
    write_atomically(path, derived.best.genotype.to_json() + "\n")
    record(derived, run, step=searcher.round)
    return derived


def hand_over(searcher: Searcher, genotype: Genotype, path: Path) -> bool:
    """Writes the weights that a genotype has in a search, where they are its own and trained: it needs no training.

    Returns:
        Whether there are such weights.
    """
    weights = searcher.weights if searcher.trains_shared else None
    member = weights.judging.member(genotype) if weights else None
    if member is None:
        return False
    settings = searcher.settings
    provenance = {
        "command": "search",
        "space": settings.space,
        "data": [summary(searcher.pictures.splits.shared)],
        "val": summary(searcher.pictures.splits.validation),
        "steps": searcher.round * settings.w_steps,
        **{
            name: getattr(settings, name)
            for name in ("batch", "patch", "degradation", "loss", "schedule", "lr", "ema", "seed")
        },
        "teacher": teacher_provenance(settings.teacher, settings.teacher_weight) if settings.teacher else None,
        "device": device_description(searcher.fabric.device),
        "seconds": round(searcher.seconds),
        "hnas": __version__,
        "torch": str(torch.__version__),
    }
    save_model(path, member, provenance)
    return True


def rescore(run_dir: str | Path, genotype: Genotype) -> float:
    """The PSNR in dB of one genotype with a run's shared weights on its validation pictures, as a derivation scores it.

    Raises:
        HnasError: no search there, or a genotype of another space.
    """
    searcher = open_searcher(RunFolder(Path(run_dir), RESULT))
    low, high = searcher.settings.lam_range
    (scored,) = validated(searcher, [genotype], (low + high) / 2.0)
    return scored.psnr


def open_searcher(run: RunFolder, *, fabric: Fabric | None = None, splits: Splits | None = None) -> Searcher:
    """The state that a search's last checkpoint holds, with its pictures, which are read if they are not given.

    Raises:
        HnasError: no search in this folder, or its pictures are gone.
    """
    config = read_config(run.path / CONFIG, "search")
    names = {field.name for field in fields(SearchSettings)}
    values = {name: value for name, value in config.items() if name in names}
    settings = load_settings(SearchSettings, values, source=str(run.path))
    state = load_checkpoint(run.checkpoint)
    if state is None:
        raise HnasError(f"{run.path}: the search has no checkpoint yet; go on with hnas search --resume")
    splits = splits or splits_of(FoldersOfPictures.named(config), settings)
    devices = DeviceSettings(precision=remembered_precision(run) or "32-true")  # so that scores are those of the search
    fabric = fabric or start_fabric(devices)
    table = table_of_run(run.path) or find_table(settings, fabric.device)
    costs = CostTable.with_table(settings, table)
    searcher = build_searcher(settings, splits, costs, fabric)
    with taking_up(run.checkpoint):
        searcher.load_state_dict(state)
    return searcher
