"""Scores by short training, each computed once by whichever worker is free, and kept on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import Any

import torch
from torch import Tensor

from hnas.data.same_pictures import listing
from hnas.errors import HnasError
from hnas.files import make_folder, write_atomically
from hnas.searching.asynchronous import Stream, ask_one
from hnas.searching.evaluations import FoldersOfPictures, evaluate, evaluate_by, prepared, recipe_of
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings
from hnas.space import Genotype
from hnas.training.precision import computes_in
from hnas.training.settings import DeviceSettings
from hnas.values import mapping, number, read_json, sequence
from hnas.workers import Workers


class ScoreTable:
    """What is known and what is being computed, by genotype; an evaluator.

    A score hangs on genotype, pictures, recipe, seed and precision, which name its file. Whoever asks for one that is
    being computed waits for it, so no two workers have the same: all who ask share this object, and the lock of the
    run's folder keeps other processes out.

    Args:
        searcher: has the pictures.
        pictures: where they are, for workers in other processes.
        folder: a file for every genotype; made when it is first written to.
        workers: who computes.
        trained: how a genotype is trained; as in the search by default.
    """

    #: There are no shared weights.
    weights = None

    def __init__(
        self,
        searcher: Searcher,
        pictures: FoldersOfPictures | None,
        folder: Path,
        workers: Workers,
        *,
        trained: SearchSettings | None = None,
    ) -> None:
        self._searcher, self._pictures, self._folder, self._workers = searcher, pictures, folder, workers
        self._recipe = recipe_of(searcher.settings)
        self._trained = recipe_of(trained or searcher.settings)
        parts = {
            name: listing(getattr(searcher.pictures.splits, name)) for name in ("shared", "controller", "validation")
        }
        self._of = json.dumps([parts, asdict(self._recipe), asdict(self._trained)], sort_keys=True)
        self._prepared = prepared(self._recipe, searcher.pictures, searcher.fabric)
        self._known: dict[Genotype, Future[list[float]]] = {}
        self._lock = RLock()

    @property
    def at_a_time(self) -> int:
        """Genotypes that are scored at a time."""
        return self._workers.slots

    def __call__(self, genotype: Genotype, lr: Tensor, hr: Tensor) -> float:
        """PSNR in dB on one of the two sets of pictures that such searches score on."""
        known = [one for one, _ in self._prepared.asked]
        index = next(i for i, one in enumerate(known) if one.shape == lr.shape and torch.equal(one, lr))
        return self.future(genotype).result()[index]

    def ahead(self, genotypes: Sequence[Genotype]) -> None:
        """Has genotypes scored that will be asked for."""
        for genotype in genotypes:
            self.future(genotype)

    def future(self, genotype: Genotype) -> Future[list[float]]:
        """PSNR in dB on the strategy's batch and on the validation pictures, once it is there; on disk by then."""
        with self._lock:
            if genotype in self._known:
                return self._known[genotype]
            future: Future[list[float]] = Future()
            self._known[genotype] = future
        device = self._device()
        told = genotype.to_json() + self._of + device.precision
        path = self._folder / f"{sha256(told.encode()).hexdigest()[:24]}.json"
        if path.exists():
            future.set_result(_read(path))
            return future

        def keep(done: Future[list[float]]) -> None:
            if done.cancelled():
                future.cancel()
                future.set_running_or_notify_cancel()
                return
            try:
                row = done.result()
                make_folder(self._folder)
                write_atomically(path, json.dumps({"genotype": genotype.to_dict(), "psnr": row}) + "\n")
                future.set_result(row)
            except Exception as error:
                future.set_exception(error)

        self._begin(genotype, device).add_done_callback(keep)
        return future

    def _device(self) -> DeviceSettings:
        """One device of the kind and at the precision of the search; on other hosts what there is."""
        fabric = self._searcher.fabric
        kind: Any = fabric.device.type if self._workers.on_this_host else "auto"
        precision: Any = computes_in(fabric)
        return DeviceSettings(accelerator=kind, devices=1, precision=precision)

    def _begin(self, genotype: Genotype, device: DeviceSettings) -> Future[list[float]]:
        if self._workers.here or self._pictures is None:  # with the pictures that are in memory already
            return self._workers.submit(evaluate_by, self._prepared, self._trained, genotype)
        return self._workers.submit(evaluate, self._pictures, self._recipe, device, self._trained, genotype)


def _read(path: Path) -> list[float]:
    advice = "take it away, and the genotype is scored again"
    scores = mapping(str(path), read_json(path, advice=advice)).get("psnr")
    try:
        return [number("psnr", psnr) for psnr in sequence("psnr", scores)]
    except HnasError as error:
        raise HnasError(f"{path}: {error}; {advice}") from error


def score_by(table: ScoreTable, searcher: Searcher) -> None:
    """Has a search score by a table."""
    searcher.evaluator, searcher.ahead = table, table.ahead
    if searcher.settings.asynchronous:
        ask = partial(ask_one, searcher.strategy.ask, searcher.settings)
        searcher.stream = Stream(ask, table.future, lambda: table.at_a_time, most=searcher.settings.evaluations)
