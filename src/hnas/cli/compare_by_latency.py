"""``hnas compare --by latency``: networks by the milliseconds of one run."""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hnas.cli.options import Names
from hnas.cli.progress import step_progress
from hnas.errors import HnasError

if TYPE_CHECKING:
    from hnas.data.folders import Pair


@dataclass(frozen=True, kw_only=True)
class LatencyOptions:
    """What belongs to the table of milliseconds alone.

    Attributes:
        scale: 2, 3 or 4; published networks take part where their weights of this scale are at hand.
        model: Further models of your own: weights files, run folders or names.
        backend: What runs the networks, on the CPU: onnx (onnxruntime), openvino or torch.
        threads: Of every network; by default 2, or what the machine has if fewer.
        rounds: In each, every network has a turn; the median of them counts.
    """

    scale: int = 2
    model: Names = ()
    backend: Literal["onnx", "openvino", "torch"] = "onnx"
    threads: int | None = None
    rounds: int = 7


def compare_by_latency(
    options: LatencyOptions,
    *,
    benchmarks: Sequence[str],
    rows: Sequence[str],
    weights: Sequence[Path],
    lr_size: tuple[int, int],
    figure: Path | None,
    json: bool,
) -> None:
    """Prints networks by milliseconds, and what ours reach in the time of each published one.

    Args:
        options: those of this table alone.
        benchmarks: folders with sets, or names of sets.
        rows: only these, where any are named.
        weights: folders with weights.
        lr_size: (height, width) of the input to time.
        figure: where to draw.
        json: print JSON.
    """
    from hnas.deploy.timing.stopwatch import this_machine
    from hnas.machine import processor_name, vector_units
    from hnas.nets import LR_SIZE
    from hnas.zoo.by_latency import count_steps, measure_in_turns
    from hnas.zoo.contenders import find_contenders
    from hnas.zoo.standing import as_objects, at_equal_milliseconds, margins_as_objects

    if options.scale not in (2, 3, 4):
        raise HnasError(f"--scale is {options.scale}; allowed are 2, 3 and 4")
    if options.rounds < 1:
        raise HnasError(f"--rounds is {options.rounds}; allowed is 1 and more")
    machine = this_machine(options.backend, options.threads, lr_size)
    if figure is not None:
        from hnas.report.figures import figure_kind

        figure_kind(figure)
        if not benchmarks:
            raise HnasError("--figure draws PSNR against milliseconds; name pictures with --benchmarks")
    contenders = find_contenders(options.scale, folders=weights, rows=rows, own=options.model)
    sets = _sets(benchmarks, options.scale)
    with step_progress(count_steps(contenders, sets, options.rounds)) as step:
        found = measure_in_turns(
            contenders, sets, scale=options.scale, machine=machine, rounds=options.rounds, on_step=step
        )
    how = (
        f"{machine.runtime}, {machine.threads} thread{'s' * (machine.threads > 1)}, input 3x{machine.size}, median of "
    )
    how += f"{options.rounds} round{'s' * (options.rounds > 1)} in turns; {machine.processor}"
    if figure is not None:
        from hnas.report.latency_figure import draw_by_latency

        draw_by_latency(found, figure, title=f"{next(iter(sets))}, ×{options.scale}", how=how)
    if json:
        document = {
            "scale": options.scale,
            "backend": options.backend,
            "runtime": machine.runtime,
            "threads": machine.threads,
            "latency_lr_size": list(lr_size),
            "rounds": options.rounds,
            "processor": processor_name(),
            "vector_units": list(vector_units()),
            "lr_size": list(LR_SIZE),
            "sets": list(sets),
            "rows": as_objects(found),
            "at_equal_milliseconds": margins_as_objects(at_equal_milliseconds(found)),
        }
        print(json_module.dumps(document, indent=2))
        return
    from hnas.cli.latency_tables import margin_table, time_table
    from hnas.cli.tables import print_tables

    tables = [time_table(found, list(sets), scale=options.scale, how=how)]
    if margins := at_equal_milliseconds(found):
        tables.append(margin_table(margins, list(sets)))
    print_tables(*tables)


def _sets(benchmarks: Sequence[str], scale: int) -> dict[str, list[Pair]]:
    """Pairs by set, in the order in which papers print them.

    Raises:
        HnasError: no such set, two of one name, or a picture that cannot be read.
    """
    from hnas.data.benchmarks import find_benchmarks
    from hnas.zoo.table_two import in_table_order

    found = find_benchmarks(benchmarks)
    loaders = dict(found)
    if len(loaders) < len(found):
        names = [name for name, _ in found]
        twice = next(name for name in names if names.count(name) > 1)
        raise HnasError(f"--benchmarks has two sets called {twice}; leave one out")
    return {name: loaders[name](scale) for name in in_table_order(loaders)}
