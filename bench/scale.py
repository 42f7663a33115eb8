"""A search over many genotypes on many GPUs, on paper: events simulated from recorded durations.

    python bench/scale.py record --data FOLDER --val FOLDER --output durations.json
    python bench/scale.py simulate durations.json --workers 8 64 512

`record` trains random genotypes for a short while and notes the processor time of each; it also notes that of
what one process does for every genotype (propose, learn, hand out, keep the score), and weighs what is sent and kept.
`simulate` draws from these durations: in step, when every batch waits for its slowest, and asynchronously, when a
genotype is proposed whenever a worker is free. What one process does is done one after the other, and a lost worker's
work again.
"""

from __future__ import annotations

import argparse
import heapq
import json
import pickle
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from hnas.extras import script_needs

script_needs("torch")

import torch

from hnas.data.folders import load_pairs
from hnas.files import write_atomically
from hnas.machine import processor
from hnas.searching.building import build_searcher
from hnas.searching.costs import CostTable
from hnas.searching.evaluations import FoldersOfPictures, evaluate_by, prepared, recipe_of
from hnas.searching.reward import Scored
from hnas.searching.score_table import ScoreTable, score_by
from hnas.searching.searcher import Searcher
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import split_pictures
from hnas.settings import load_settings, read_config
from hnas.training.devices import start_fabric
from hnas.training.settings import DeviceSettings
from hnas.workers.engine import Engine, Here, open_workers

#: Of the search whose genotypes are trained, where they differ from the preset cpu.
BASE: dict[str, Any] = {"scorer": "short", "warmup": 0, "tau_samples": 0}
#: Pieces of work by which the time to hand one out is known.
_TRIALS = 300


@dataclass(frozen=True)
class Simulated:
    """A search, simulated.

    Attributes:
        hours: until the last score is there.
        used: part of the workers' time in which they train, 0 to 1.
        behind: genotypes proposed or trained, on average, between a genotype's proposal and the update that learns from
            it, over and above its own batch.
    """

    hours: float
    used: float
    behind: float


def in_step(
    durations: Sequence[float], workers: int, count: int, *, batch: int, each: float, lost: float, seed: int = 0
) -> Simulated:
    """Batches that wait for their slowest: ``batch`` genotypes are proposed, trained and learnt from.

    Args:
        durations: seconds of a training, recorded; drawn from at random.
        workers: that train, one genotype at a time each.
        count: genotypes in all.
        batch: proposed at a time.
        each: seconds that the one process spends on every genotype.
        lost: chance that a worker is lost within an hour, whose genotype is then begun anew by another.
        seed: of the draws.
    """
    random, now, busy = Random(seed), 0.0, 0.0
    for first in range(0, count, batch):
        free = [now] * workers
        ends = []
        for index in range(min(batch, count - first)):
            start = max(heapq.heappop(free), now + (index + 1) * each)
            end, work = _trained(random, durations, start, lost)
            busy += work
            ends.append(end)
            heapq.heappush(free, end)
        now = max(ends)
    return Simulated(now / 3600, busy / (workers * now), 0.0)


def asynchronously(
    durations: Sequence[float], workers: int, count: int, *, batch: int, each: float, lost: float, seed: int = 0
) -> Simulated:
    """A genotype is proposed whenever a worker is free; ``batch`` scores are learnt from as they come; see above."""
    random, busy = Random(seed), 0.0
    behind: list[float] = []
    asker = 0.0  # when the one process is free
    going: list[tuple[float, int]] = []
    came, told, last = 0, 0, 0.0
    for _ in range(count):
        when = 0.0
        if len(going) == workers:
            when, asked_after = heapq.heappop(going)
            came, told, last = _one_came(came, told, batch, asked_after, behind, last, when)
        asker = max(asker, when) + each
        end, work = _trained(random, durations, asker, lost)
        busy += work
        heapq.heappush(going, (end, told))
    while going:
        when, asked_after = heapq.heappop(going)
        came, told, last = _one_came(came, told, batch, asked_after, behind, last, when)
    return Simulated(last / 3600, busy / (workers * last), fmean(behind) * batch)


def _one_came(
    came: int, told: int, batch: int, asked_after: int, behind: list[float], last: float, when: float
) -> tuple[int, int, float]:
    came += 1
    behind.append(told - asked_after)
    return came, came // batch, max(last, when)


def _trained(random: Random, durations: Sequence[float], start: float, lost: float) -> tuple[float, float]:
    """When a training that begins then ends, and how long workers were at it that brought something."""
    duration = random.choice(durations)
    while lost and (broken := random.expovariate(lost / 3600)) < duration:
        start += broken
    return start + duration, duration


def record(arguments: argparse.Namespace) -> None:
    """Writes durations, in seconds of processor time on one core, and sizes, in bytes."""
    torch.set_num_threads(1)
    chosen = {**read_config("cpu", "search"), **BASE, "short_steps": arguments.steps}
    settings = load_settings(SearchSettings, chosen)
    pictures = FoldersOfPictures(arguments.data, arguments.val)
    pairs = load_pairs(pictures.data, settings.scale), load_pairs(str(pictures.val), settings.scale)
    splits = split_pictures(*pairs, w_fraction=settings.w_fraction, seed=settings.seed)
    fabric = start_fabric(DeviceSettings(accelerator="cpu"))
    searcher = build_searcher(settings, splits, CostTable(settings), fabric)
    random = Random(0)
    genotypes = [settings.search_space.sample(random) for _ in range(arguments.genotypes)]
    evaluate_by(prepared(settings, searcher.pictures, fabric), settings, genotypes[0])  # warms up
    durations = []
    with tempfile.TemporaryDirectory() as folder:
        table = ScoreTable(searcher, pictures, Path(folder), Here())
        score_by(table, searcher)
        for genotype in genotypes:
            began = time.process_time()
            row = table.future(genotype).result()
            durations.append(round(time.process_time() - began, 3))
            print(f"{len(durations)} of {len(genotypes)}: {durations[-1]:.2f} s", flush=True)
        scored = searcher.score_all(genotypes, searcher.pictures.validation, settings.lam_range[0])
        file = next(Path(folder).iterdir())
        kept, text = file.stat().st_size, file.read_text()
        began = time.process_time()
        for _ in range(_TRIALS):
            write_atomically(file, text)
        keeping = (time.process_time() - began) / _TRIALS
    asking, telling = _strategy_seconds(searcher, scored)
    recipe = recipe_of(settings)
    work = pictures, recipe, DeviceSettings(devices=1), recipe, genotypes[0]
    result = {
        "processor": processor(),
        "steps": arguments.steps,
        "durations": durations,
        "asking": asking,
        "telling": telling,
        "handing": {on: _handing_seconds(on, work) for on in arguments.on},
        "keeping": keeping,
        "sent": len(pickle.dumps(work)),
        "returned": len(pickle.dumps(row)),
        "kept": kept,
    }
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def _strategy_seconds(searcher: Searcher, scored: Sequence[Scored]) -> tuple[float, float]:
    """Processor time, s, that the strategy needs to propose a genotype, and to learn from one."""
    settings, lam = searcher.settings, searcher.settings.lam_range[0]
    rounds = 20
    began = time.process_time()
    for index in range(rounds):
        searcher.strategy.ask(1, lam=lam, random=Random(index))
    asked = time.process_time()
    for _ in range(rounds):
        searcher.strategy.tell(scored[: settings.samples], lam=lam, spread=searcher.spread)
    return (asked - began) / rounds, (time.process_time() - asked) / rounds / settings.samples


def _handing_seconds(on: str, values: tuple[Any, ...]) -> float:
    """Processor time, s, that handing out one piece of work of this size takes the process that does it."""
    engine = Engine(on=on, processes=2) if on == "local" else Engine(on=on)
    with open_workers(engine) as workers:
        workers.submit(len, values).result()
        began = time.process_time()
        futures = [workers.submit(len, values) for _ in range(_TRIALS)]
        assert all(future.result() == len(values) for future in futures)
        return (time.process_time() - began) / _TRIALS


def simulate(arguments: argparse.Namespace) -> None:
    """Prints a table."""
    recorded = json.loads(arguments.durations.read_text())
    durations = [seconds * arguments.times for seconds in recorded["durations"]]
    each = recorded["asking"] + recorded["telling"] + recorded["handing"][arguments.on] + recorded["keeping"]
    sizes = ", ".join(f"{name} {recorded[name]}" for name in ("sent", "returned", "kept"))
    print(
        f"{len(durations)} recorded durations ({recorded['steps']} steps, {recorded['processor']}), times "
        f"{arguments.times:g}: mean {fmean(durations):.1f} s, longest {max(durations):.1f} s; the one process "
        f"{1e3 * each:.1f} ms each; bytes {sizes}"
    )
    print("| workers | batch | in step: h | used | asynchronous: h | used | behind |\n|" + 7 * "---:|")
    for workers in arguments.workers:
        batch = max(arguments.batch, workers)
        same = {"each": each, "lost": arguments.lost}
        one = in_step(durations, workers, arguments.genotypes, batch=batch, **same)
        other = asynchronously(durations, workers, arguments.genotypes, batch=arguments.batch, **same)
        print(
            f"| {workers} | {batch} | {one.hours:.2f} | {one.used:.0%} | {other.hours:.2f} | {other.used:.0%} "
            f"| {other.behind:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("record")
    one.add_argument("--data", required=True)
    one.add_argument("--val", required=True)
    one.add_argument("--output", type=Path, required=True)
    one.add_argument("--genotypes", type=int, default=32)
    one.add_argument("--steps", type=int, default=100)
    one.add_argument("--on", nargs="*", default=["local"], help="engines whose handing out is timed: local, ray")
    one.set_defaults(do=record)
    one = commands.add_parser("simulate")
    one.add_argument("durations", type=Path)
    one.add_argument("--workers", type=int, nargs="+", default=[8, 64, 512])
    one.add_argument("--genotypes", type=int, default=10_000)
    one.add_argument("--batch", type=int, default=4, help="scores that the strategy learns from at a time")
    one.add_argument("--times", type=float, default=1.0, help="how many times as long as recorded a training takes")
    one.add_argument("--on", default="local", help="what hands out the work: local or ray, as recorded")
    one.add_argument("--lost", type=float, default=0.0, help="chance that a worker is lost within an hour")
    one.set_defaults(do=simulate)
    arguments = parser.parse_args()
    arguments.do(arguments)


if __name__ == "__main__":
    main()
