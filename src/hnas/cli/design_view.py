"""What a machine reaches, timed and printed: shared by ``hnas design`` and ``hnas profile --front``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from hnas.cli.options import say
from hnas.errors import HnasError
from hnas.extras import absent_extra
from hnas.machine import other_work

if TYPE_CHECKING:
    from hnas.deploy.design.attainable import Attainable, Timed
    from hnas.deploy.design.family import Candidate
    from hnas.deploy.running.runtimes import BackendName
    from hnas.deploy.timing.stopwatch import Graph, Machine, Stopwatch

#: What milliseconds buy is said of these.
STEPS = (10.0, 20.0, 50.0, 100.0)
#: About as many seconds are spent on that line where nothing is known yet.
_SECONDS = 5.0
#: Seconds for building hand-made networks and timing all in turns, and those that the turns have in any case.
_SURVEY, _LEAST = 22.0, 6.0
#: In the column of channels and blocks.
_HAND_MADE = "hand-made"


def read_candidates(scale: int, folder: Path | None) -> tuple[Candidate, ...]:
    """The family of a scale.

    Raises:
        HnasError: no such scale, or no family of it.
    """
    from hnas.bundled import BUNDLED
    from hnas.deploy.design.family import read_family

    if scale not in (2, 3, 4):
        raise HnasError(f"--scale is {scale}; allowed are 2, 3 and 4")
    return read_family(scale, folder or BUNDLED)


def graphs_for(family: tuple[Candidate, ...], backend: BackendName) -> Mapping[str, Graph]:
    """What a runtime takes, by name."""
    if backend != "torch":
        return {one.name: one.graph for one in family}
    from hnas.zoo.hand_made import torch_graphs

    return torch_graphs(family)


def time_here(
    family: tuple[Candidate, ...], machine: Machine, *, limit_ms: float | None
) -> tuple[Attainable, Stopwatch]:
    """Times the family and the hand-made networks, with lines on stderr about it."""
    from hnas.deploy.design.remembered import remember
    from hnas.deploy.design.survey import Patience
    from hnas.deploy.design.within_limits import look_around

    began = perf_counter()
    try:
        from hnas.zoo.hand_made_kept import kept_hand_made

        peers = kept_hand_made(family[0].scale, machine.backend)
    except (ImportError, HnasError) as error:
        peers = ()
        say(f"hand-made networks are left out, since they cannot be built ({absent_extra(error) or error})")
    say(
        f"timing {len(family)} networks and {len(peers)} hand-made ones at {machine.words}; "
        "less than a minute until all is measured ..."
    )
    if machine.device == "cpu" and (busy := other_work()):
        say(f"hnas: note: the machine has other work ({busy}): times are those beside it, longer than on a quiet one")
    graphs = graphs_for(family, machine.backend)
    left = _SURVEY - (perf_counter() - began)  # building takes long on a busy machine
    patience = Patience(seconds=max(_LEAST, left))
    found, stopwatch = look_around(family, peers, machine, graphs=graphs, limit_ms=limit_ms, patience=patience)
    remember(family, machine, found.times)
    if found.left_out:
        say(f"left out, too slow for the limit or for the time there is: {', '.join(found.left_out)}")
    return found, stopwatch


def say_attainable(lr_size: tuple[int, int], scale: int, limit_ms: float) -> None:
    """A line on stderr: what milliseconds buy here with onnxruntime, by times of today or by seconds of turns."""
    from hnas.deploy.design.attainable import gather
    from hnas.deploy.design.remembered import remember, remembered
    from hnas.deploy.design.survey import Patience
    from hnas.deploy.design.within_limits import look_around
    from hnas.deploy.timing.stopwatch import this_machine

    family, machine = read_candidates(scale, None), this_machine("onnx", None, lr_size)
    if times := remembered(family, machine):
        found = gather(family, (), machine, times, dict.fromkeys(times, "timed"))
    else:
        graphs, few = graphs_for(family, machine.backend), Patience(seconds=_SECONDS, rounds=2)
        found, _ = look_around(family, (), machine, graphs=graphs, limit_ms=limit_ms, patience=few)
        remember(family, machine, found.times)
    say(f"ready networks {attainable_line(found, sorted({*STEPS, limit_ms}))}; `hnas design` hands them over")


def attainable_line(found: Attainable, steps: Sequence[float]) -> str:
    """What milliseconds buy, in one line."""
    bought = [(ms, best) for ms in steps if (best := found.within(ms))]
    parts = [f"{ms:g} ms buys {_bought(best)}" for ms, best in bought]
    if len(bought) < len(steps):
        parts.insert(0, f"less than {found.family[0].milliseconds:.1f} ms buys nothing")
    validation = found.family[0].candidate.validation
    return f"at {found.machine.words}: {', '.join(parts)} (PSNR on {validation})"


def _bought(best: Timed) -> str:
    return f"{best.candidate.name} ({best.candidate.psnr:.2f} dB{', predicted' if best.how == 'predicted' else ''})"


def print_networks(found: Attainable, *, chosen: Candidate | None = None) -> None:
    """The table of everything that was timed, fastest first; the chosen one is marked."""
    from rich.table import Table

    from hnas.cli.tables import print_tables

    validation = found.family[0].candidate.validation
    sets = [name for name in found.family[0].candidate.results if name != validation]
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("network", no_wrap=True)
    for column in ("channels x blocks", "MACs", "params", "ms", validation, *sets):
        table.add_column(column, justify="right", no_wrap=True)
    rows: list[tuple[float, list[str]]] = []
    for one in found.family:
        here = one.candidate
        mark = ">" if here is chosen else "*" if one.on_front else ""
        figures = [f"{here.psnr:.2f}", *(f"{here.results[name]:.2f}" if name in here.results else "" for name in sets)]
        cells = [mark, here.name, here.shape, f"{here.macs / 1e9:.2f} G", f"{here.params / 1e3:.1f} K"]
        cells.append(f"{'~' if one.how == 'predicted' else ''}{one.milliseconds:.1f}")
        rows.append((one.milliseconds, [*cells, *figures]))
    for peer, ms in found.peers:
        figures = ["", *(f"{peer.results[name]:.2f}" if name in peer.results else "" for name in sets)]
        cells = ["", peer.name, _HAND_MADE, f"{peer.macs / 1e9:.2f} G", f"{peer.params / 1e3:.1f} K", f"{ms:.1f}"]
        rows.append((ms, [*cells, *figures]))
    for _, cells in sorted(rows, key=lambda row: row[0]):
        table.add_row(*cells, style="bold" if cells[0] == ">" else "dim" if cells[2] == _HAND_MADE else "")
    print_tables(table)
    marks = f"{'> chosen, ' if chosen else ''}* on the front, ~ predicted from others' times"
    print(f"{marks}; PSNR on Y in dB, MACs at 3x480x480")
