"""Networks of one scale, timed in turns by one runtime in one run, and measured on pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from hnas.data.folders import Pair
from hnas.deploy.running.runtimes import runtime_version
from hnas.deploy.timing.graphs import graph_of
from hnas.deploy.timing.stopwatch import Machine, Stopwatch
from hnas.errors import HnasError
from hnas.evaluation.benchmark import BenchmarkResult, evaluate_model
from hnas.nets import model_cost
from hnas.zoo.contenders import Contender
from hnas.zoo.standing import TimedRow
from hnas.zoo.table_two import SCALE


def measure_in_turns(
    contenders: Sequence[Contender],
    sets: Mapping[str, Sequence[Pair]],
    *,
    scale: int,
    machine: Machine,
    rounds: int = 7,
    on_step: Callable[[str], None] = lambda what: None,
) -> tuple[TimedRow, ...]:
    """Fills a row for every network, fastest first.

    Args:
        contenders: of the scale.
        sets: pairs by name, for PSNR and SSIM by :func:`hnas.evaluation.benchmark.evaluate_model`.
        scale: 2, 3 or 4.
        machine: what runs them, and on which size.
        rounds: in each, every network has its turn; the median counts.
        on_step: called with words before every turn and after every picture, :func:`count_steps` times in all.

    Raises:
        HnasError: the runtime is not installed, or a picture cannot be measured.
    """
    if rounds < 1:
        raise HnasError(f"rounds is {rounds}; allowed is 1 and more")
    runtime_version(machine.backend)
    graphs = {contender.name: graph_of(contender.model, machine.backend) for contender in contenders}
    measured = {contender.name: measure_pictures(contender, sets, scale, on_step) for contender in contenders}
    stopwatch = Stopwatch(machine, graphs)
    turns: dict[str, list[float]] = {name: [] for name in graphs}
    for _ in range(rounds):
        for name in graphs:
            on_step(name)
            turns[name].append(stopwatch.turn(name))
    rows = []
    for contender in contenders:
        cost = model_cost(contender.model)
        results = measured[contender.name]
        rows.append(
            TimedRow(
                contender.name,
                ours=contender.system is None,
                weights=str(contender.weights),
                milliseconds=median(turns[contender.name]),
                macs=cost.macs,
                params=cost.params,
                psnr={name: result.psnr for name, result in results.items()},
                ssim={name: result.ssim for name, result in results.items()},
                printed=contender.system.printed if contender.system and scale == SCALE else {},
            )
        )
    return tuple(sorted(rows, key=lambda row: row.milliseconds))


def count_steps(contenders: Sequence[Contender], sets: Mapping[str, Sequence[Pair]], rounds: int) -> int:
    """How many turns and pictures there are in all."""
    return len(contenders) * (rounds + sum(map(len, sets.values())))


def measure_pictures(
    contender: Contender,
    sets: Mapping[str, Sequence[Pair]],
    scale: int,
    on_step: Callable[[str], None] = lambda what: None,
) -> dict[str, BenchmarkResult]:
    """PSNR and SSIM of a network by set; ``on_step`` is called with words after every picture."""
    found = {}
    for name, pairs in sets.items():
        words = f"{contender.name} on {name}"
        found[name] = evaluate_model(
            contender.model, pairs, scale=scale, on_picture=lambda *_, words=words: on_step(words)
        )
    return found
