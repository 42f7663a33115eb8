"""What ``hnas design`` does when asked for more: the quickest runtime, 8 bits, and training on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from hnas.cli.design_view import graphs_for
from hnas.cli.options import say
from hnas.cli.progress import training_progress
from hnas.errors import HnasError

if TYPE_CHECKING:
    from hnas.data.folders import Pair
    from hnas.deploy.design.attainable import Attainable
    from hnas.deploy.design.choice import Requirements
    from hnas.deploy.design.eight_bits import InEightBits
    from hnas.deploy.design.family import Candidate
    from hnas.deploy.design.survey import Turn
    from hnas.deploy.design.tuning import Tuned
    from hnas.deploy.running.runtimes import BackendName
    from hnas.deploy.timing.stopwatch import Machine


@dataclass(frozen=True)
class Noted:
    """A finding in words for people, and as JSON values."""

    title: str
    words: str
    values: Any


def quickest_machine(
    family: tuple[Candidate, ...],
    threads: int | None,
    lr_size: tuple[int, int],
    *,
    limit_ms: float | None,
    graphs_only: bool,
) -> tuple[Machine, Noted]:
    """The machine with the installed runtime that takes the least time here, and what each takes.

    Raises:
        HnasError: none is installed.
    """
    from hnas.deploy.design.quickest import one_to_try, quickest, time_runtimes, turns_of
    from hnas.deploy.running.runtimes import PACKAGES
    from hnas.deploy.timing.stopwatch import Stopwatch, this_machine

    machines: dict[BackendName, Machine] = {}
    for backend in PACKAGES:
        if graphs_only and backend == "torch":
            continue
        try:
            machines[backend] = this_machine(backend, threads, lr_size)
        except HnasError as error:
            missing = error
    if not machines:
        raise missing
    turns = {backend: Stopwatch(machine, graphs_for(family, backend)).turn for backend, machine in machines.items()}
    smallest = min(family, key=lambda one: one.macs)
    first = next(iter(turns.values()))
    one = one_to_try(family, first(smallest.name), limit_ms)
    say(f"timing {one.name} with {', '.join(machine.runtime for machine in machines.values())} ...")
    times = time_runtimes(turns_of(turns, one.name))
    best = quickest(times)
    others = " and ".join(f"{machines[name].runtime} takes {ms:.1f}" for name, ms in times.items() if name != best)
    words = f"{machines[best].runtime}: {one.name} takes {times[best]:.1f} ms"
    words += f", where {others}" if others else ", and no other runtime is installed"
    return machines[best], Noted("runtime taken", words, {"network": one.name, "ms": times})


def with_eight_bits(
    found: Attainable, limits: Requirements, turn: Turn, folder: Path
) -> tuple[Attainable, Turn, list[InEightBits]]:
    """Adds networks in 8 bits where these may come within the limits, each with the median of a few turns.

    Raises:
        HnasError: the runtime takes no graphs, or a package is missing.
    """
    from hnas.deploy.design.eight_bits import in_eight_bits, worth_trying
    from hnas.deploy.timing.stopwatch import Stopwatch

    made = []
    for one in worth_trying([timed.candidate for timed in found.family], found.times, limits):
        say(f"quantising {one.name} to 8 bits ...")
        made.append(in_eight_bits(one, folder, found.machine))
    stopwatch = Stopwatch(found.machine, {one.candidate.name: one.candidate.graph for one in made})
    names = {one.candidate.name for one in made}
    times = {name: median(stopwatch.turn(name) for _ in range(3)) for name in sorted(names)}
    both = found.changed(times, "timed", more=[one.candidate for one in made])
    return both, lambda name: stopwatch.turn(name) if name in names else turn(name), made


def eight_bits_noted(made: list[InEightBits], chosen: Candidate, found: Attainable) -> Noted:
    """Whether 8 bits pay."""
    if not made:
        words = "no network is near enough to the limits to be tried"
    else:
        pays = any(one.candidate is chosen for one in made)
        begin = "they pay: " if pays else "they do not pay: "
        words = begin + "; ".join(one.words(found.times) for one in made)
    values = [
        {
            "network": one.of.name,
            "ms": found.times[one.candidate.name],
            "ms_32_bits": found.times[one.of.name],
            "psnr": one.psnr,
            "psnr_32_bits": one.psnr_32,
        }
        for one in made
    ]
    return Noted("8 bits", words, values)


def read_own(data: Path, scale: int) -> tuple[list[Pair], list[Pair]]:
    """A person's pictures, to go on training with and held out, read before anything is timed.

    Raises:
        HnasError: they cannot be read or are too few.
    """
    from hnas.deploy.design.tuning import read_split

    return read_split(data, scale)


def tune_chosen(
    chosen: Candidate,
    made: list[InEightBits],
    machine: Machine,
    *,
    split: tuple[list[Pair], list[Pair]],
    data: Path,
    seconds: float,
    folder: Path,
) -> tuple[Candidate, Noted]:
    """The network trained on if that helped, else as it was, in 8 bits if it was; and what the training brought.

    Raises:
        HnasError: a picture is smaller than a patch, or the training fails.
    """
    from hnas.deploy.design.tuning import tune

    eight_bits = next((one for one in made if one.candidate is chosen), None)
    one = eight_bits.of if eight_bits else chosen
    pictures, held_out = split
    say(f"training {one.name} on {len(pictures)} pictures of {data}, validated on {len(held_out)} others ...")
    with ExitStack() as bars:

        def plan(steps: int) -> Callable[..., None]:
            return bars.enter_context(training_progress(one.name, steps))

        tuned = tune(one, pictures, held_out, folder, seconds=seconds, data=data.name, on_plan=plan)
    if not tuned.helped:
        return chosen, _tuned_noted(tuned)
    better = tuned.candidate
    if eight_bits:
        from hnas.deploy.design.eight_bits import in_eight_bits

        better = in_eight_bits(better, folder, machine).candidate
    return better, _tuned_noted(tuned)


def _tuned_noted(tuned: Tuned) -> Noted:
    gain = tuned.after - tuned.before
    words = f"{tuned.before:.2f} dB before, {tuned.after:.2f} dB after ({gain:+.2f}) on {tuned.held_out} held out"
    words += (
        f"; the weights after {tuned.steps} steps on {tuned.pictures} pictures, {tuned.seconds / 60:.1f} min in all"
    )
    words += "; handed over with these weights" if tuned.helped else "; handed over as it was before"
    return Noted("training on", words, tuned.as_dict())
