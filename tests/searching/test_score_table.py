"""Scores by short training that several processes make: each once, the same as one process makes, in any order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from hnas.errors import HnasError
from hnas.run_files import SCORES
from hnas.searching.asynchronous import Asked, Stream, replay
from hnas.searching.costs import CostTable
from hnas.searching.evaluations import FoldersOfPictures
from hnas.searching.runs import derive, search
from hnas.searching.score_table import ScoreTable
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.searching.study.run import run_study
from hnas.space import Genotype, read_genotype
from hnas.training.settings import DeviceSettings
from hnas.workers import Engine, Workers, open_workers

CPU = DeviceSettings(accelerator="cpu")


class Counted:
    """Workers that remember what they were handed."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.here, self.on_this_host, self.slots = workers.here, workers.on_this_host, workers.slots
        self.genotypes: Counter[Genotype] = Counter()

    def submit(self, work: Callable[..., Any], /, *values: Any) -> Future[Any]:
        self.genotypes[values[-1]] += 1
        return self._workers.submit(work, *values)

    def close(self) -> None:
        self._workers.close()


@pytest.fixture(scope="module")
def short(tiny: SearchSettings) -> SearchSettings:
    """A search that trains every genotype alone."""
    return replace(
        tiny, scorer="short", strategy="evolution", population=4, tournament=2, rounds=3, samples=3, lam=0.9, w_steps=0
    )


def _candidates(run: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (run / "candidates.jsonl").read_text().splitlines())
    return [line for line in lines if line["source"] != "derive"]


def test_each_is_scored_once_by_several_processes_as_by_one(
    folders: tuple[Path, Path], make_searcher: Callable[..., Searcher], tmp_path: Path
) -> None:
    data, val = map(str, folders)
    with open_workers(Engine(processes=2)) as workers:
        counted = Counted(workers)
        searcher = make_searcher(scorer="short")
        table = ScoreTable(searcher, FoldersOfPictures(data, val), tmp_path / "table", counted)
        random = Random(0)
        genotypes = [searcher.settings.search_space.sample(random) for _ in range(4)]
        table.ahead(genotypes)
        table.ahead(genotypes[::-1])  # another search, which asks for the same meanwhile
        found = [table(genotype, *searcher.pictures.validation) for genotype in genotypes * 2]
        assert counted.genotypes == Counter(dict.fromkeys(genotypes, 1))
        alone = make_searcher(scorer="short").evaluator
        np.testing.assert_allclose(
            found[:4], [alone(genotype, *searcher.pictures.validation) for genotype in genotypes], atol=0.01
        )
        assert found[4:] == found[:4]

        again = ScoreTable(searcher, FoldersOfPictures(data, val), tmp_path / "table", counted)
        assert [again(genotype, *searcher.pictures.validation) for genotype in genotypes] == found[:4]
        assert counted.genotypes.total() == 4  # read from the disk
        other = make_searcher(scorer="short", short_steps=3)
        ScoreTable(other, FoldersOfPictures(data, val), tmp_path / "table", counted).future(genotypes[0]).result()
        assert counted.genotypes.total() == 5  # another recipe
    assert len(list((tmp_path / "table").iterdir())) == 5


def test_a_damaged_score_is_named(make_searcher: Callable[..., Searcher], tmp_path: Path) -> None:
    with open_workers(Engine()) as workers:
        searcher = make_searcher(scorer="short")
        genotype = searcher.settings.search_space.sample(Random(0))
        ScoreTable(searcher, None, tmp_path, workers).future(genotype).result()
        (file,) = tmp_path.iterdir()
        file.write_text("{}")
        with pytest.raises(HnasError, match=f"{file.name}.*take it away"):
            ScoreTable(searcher, None, tmp_path, workers).future(genotype)


def test_a_study_by_two_processes_is_that_of_one(
    folders: tuple[Path, Path], short: SearchSettings, tmp_path: Path
) -> None:
    study = StudySettings(strategies=("random", "evolution"), seeds=2, evaluations=12, alone=2, alone_steps=3)
    for processes in (1, 2):
        engine, path = Engine(processes=processes), tmp_path / str(processes)
        run_study(*folders, run_dir=path, settings=replace(short, samples=2), study=study, engine=engine)
    tables = [{file.name for file in (tmp_path / str(count) / SCORES).iterdir()} for count in (1, 2)]
    assert tables[0] == tables[1]
    for part in ("seed-0-random", "seed-1-evolution"):
        one, two = (_candidates(tmp_path / str(count) / part) for count in (1, 2))
        assert [line["genotype"] for line in one] == [line["genotype"] for line in two]
        np.testing.assert_allclose([line["psnr"] for line in two], [line["psnr"] for line in one], atol=0.01)


def test_an_asynchronous_search_by_two_processes_is_replayed(
    folders: tuple[Path, Path], short: SearchSettings, tmp_path: Path
) -> None:
    settings = replace(short, asynchronous=True)
    run = tmp_path / "run"
    found = search(*folders, run_dir=run, settings=settings, devices=CPU, engine=Engine(processes=2))
    lines = _candidates(run)
    assert len(lines) == settings.evaluations
    assert sorted(line["asked"] for line in lines) == list(range(settings.evaluations))
    assert all(line["after"] <= index // settings.samples for index, line in enumerate(lines))
    usage = CostTable(settings).usage(settings.limits)
    assert replay(settings, usage, lines) == [read_genotype(line["genotype"]) for line in lines]
    before = sorted((run / SCORES).iterdir())
    again = derive(run, output=tmp_path / "again.json")
    assert again.best.genotype == found.best.genotype
    assert sorted((run / SCORES).iterdir()) == before  # nothing is trained twice


def test_a_search_that_was_in_step_has_no_order_to_replay(short: SearchSettings) -> None:
    usage = CostTable(short).usage(short.limits)
    with pytest.raises(HnasError, match="was not asynchronous"):
        replay(short, usage, [{"psnr": 1.0}] * 3)


def test_a_stream_hands_on_what_comes_first_and_goes_on_from_its_state(tiny: SearchSettings) -> None:
    random = Random(0)
    genotypes = [tiny.search_space.sample(random) for _ in range(6)]
    assert len(set(genotypes)) == 6
    scores: dict[Genotype, Future[Any]] = {genotype: Future() for genotype in genotypes}

    def stream() -> Stream:
        return Stream(genotypes.__getitem__, scores.__getitem__, lambda: 3, most=6)

    first = stream()
    scores[genotypes[2]].set_result(None)  # the first two are slow
    scores[genotypes[3]].set_result(None)
    assert first.next(2, after=0) == [Asked(2, 0, genotypes[2]), Asked(3, 0, genotypes[3])]
    assert [one.number for one in first.pending] == [0, 1]
    second = stream()
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for genotype in genotypes[:2] + genotypes[4:]:
        scores[genotype].set_result(None)
    for one in (first, second):
        assert [(asked.number, asked.after) for asked in one.next(4, after=1)] == [(0, 0), (1, 0), (4, 1), (5, 1)]
        assert one.count == 6


def test_what_cannot_be_shared_out_is_refused(folders: tuple[Path, Path], tiny: SearchSettings, tmp_path: Path) -> None:
    with pytest.raises(HnasError, match="--processes 2 share out what --scorer short trains"):
        search(*folders, run_dir=tmp_path / "run", settings=tiny, devices=CPU, engine=Engine(processes=2))
    with pytest.raises(HnasError, match="asynchronous is for scorer short and one lambda"):
        replace(tiny, asynchronous=True)
    assert not (tmp_path / "run").exists()
