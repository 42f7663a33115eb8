"""``hnas profile --front``: what milliseconds buy on this machine."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING

from hnas.cli.design_view import print_networks, read_candidates, time_here

if TYPE_CHECKING:
    from hnas.deploy.design.attainable import Attainable
    from hnas.deploy.running.runtimes import BackendName

#: What is asked about, ms; what takes half as long again is timed too.
STEPS = (10.0, 20.0, 50.0, 100.0, 200.0)
#: Networks compare with hand-made ones on this set.
_COMPARED = "Set5"


def front(
    *,
    lr_size: tuple[int, int],
    scale: int,
    backend: BackendName,
    threads: int | None,
    family: Path | None,
    json: bool,
) -> None:
    """Times the family and hand-made networks, and prints the best of each for some milliseconds.

    Args:
        lr_size: (height, width) of the low-resolution picture.
        scale: 2, 3 or 4.
        backend: what runs the networks.
        threads: that it has; None for the default.
        family: folder of the networks; None for those of the package.
        json: print JSON and nothing else.
    """
    from hnas.deploy.timing.stopwatch import this_machine

    machine = this_machine(backend, threads, lr_size)
    found, _ = time_here(read_candidates(scale, family), machine, limit_ms=max(STEPS) / 2)
    if json:
        steps = [{"milliseconds": ms, **_names(found, ms)} for ms in STEPS]
        print(json_module.dumps({**found.as_dict(), "buys": steps}))
        return
    print(f"at {machine.words} ({machine.processor}), x{scale}:")
    for ms in STEPS:
        print(f"  {ms:3g} ms  {_in_words(found, ms)}")
    print()
    print_networks(found)


def _names(found: Attainable, milliseconds: float) -> dict[str, str | None]:
    best, peer = found.within(milliseconds), found.peer_within(milliseconds, _COMPARED)
    return {"network": best.candidate.name if best else None, "hand_made": peer[0].name if peer else None}


def _in_words(found: Attainable, milliseconds: float) -> str:
    best, peer = found.within(milliseconds), found.peer_within(milliseconds, _COMPARED)
    if best is None:
        return f"nothing; the fastest, {found.family[0].candidate.name}, takes {found.family[0].milliseconds:.1f} ms"
    here = best.candidate
    reached = {here.validation: here.psnr, **here.results}
    words = f"{here.name}: {', '.join(f'{psnr:.2f} dB on {name}' for name, psnr in reached.items())}"
    if peer:
        words += f"; the best hand-made one is {peer[0].name}, {peer[0].results[_COMPARED]:.2f} dB on {_COMPARED}"
    return words
