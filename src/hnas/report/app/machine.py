"""What milliseconds buy on the machine that runs the app, and the best network for some of them to take away."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hnas.bundled import BUNDLED
from hnas.deploy.design.attainable import Attainable
from hnas.deploy.design.choice import Requirements
from hnas.deploy.design.family import read_family
from hnas.deploy.design.hand_over import hand_over
from hnas.deploy.design.within_limits import design, look_around
from hnas.deploy.export.card import read_card
from hnas.deploy.timing.stopwatch import Machine, Stopwatch
from hnas.errors import HnasError
from hnas.machine import default_threads
from hnas.report.app.storage import Storage
from hnas.report.design import render_design

#: Milliseconds that are asked about.
STEPS = (10.0, 50.0, 200.0)
#: Sizes of the small picture on offer, height and width in pixels.
SIZES = {"360×640": (360, 640), "540×960": (540, 960), "720×1280": (720, 1280)}
#: Bytes of a report and of what surrounds files in an archive.
_REPORT = 4 << 20


def survey_machine(
    scale: int, size: tuple[int, int], *, limit_ms: float, models: Path = BUNDLED
) -> tuple[Attainable, Stopwatch]:
    """Times the family of a scale here, which takes less than a minute.

    Args:
        scale: 2, 3 or 4.
        size: height and width of the small picture.
        limit_ms: what takes far longer gets little time.
        models: folder of the family.

    Raises:
        HnasError: there is no such family.
    """
    family = read_family(scale, models)
    machine = Machine("onnx", default_threads(), size)
    return look_around(family, (), machine, graphs={one.name: one.graph for one in family}, limit_ms=limit_ms)


def in_words(found: Attainable) -> str:
    """What :data:`STEPS` buy, as a table of Markdown."""
    lines = ["| milliseconds | best network | takes | PSNR |", "|---:|---|---:|---|"]
    for limit in STEPS:
        best = found.within(limit)
        if best is None:
            fastest = found.family[0]
            lines.append(
                f"| {limit:g} | none; {fastest.candidate.name} is the fastest | {fastest.milliseconds:.1f} ms | |"
            )
        else:
            one = best.candidate
            lines.append(
                f"| {limit:g} | {one.name} | {best.milliseconds:.1f} ms | {one.psnr:.2f} dB on {one.validation} |"
            )
    return "\n".join([f"{found.machine.words} ({found.machine.processor})", "", *lines])


def design_archive(
    scale: int, size: tuple[int, int], limit_ms: float, storage: Storage, *, models: Path = BUNDLED
) -> tuple[Path, str]:
    """The best network within a limit, measured here: what ``hnas design`` hands over, as one file.

    Args:
        scale: 2, 3 or 4.
        size: height and width of the small picture.
        limit_ms: at most so many milliseconds.
        storage: where the file goes.
        models: folder of the family.

    Returns:
        The archive, and what was found in one line.

    Raises:
        HnasError: no network is so fast, the limit is none, or there is no room.
    """
    if not 0 < limit_ms < float("inf"):
        raise HnasError(f"{limit_ms} milliseconds are no limit; give a number above 0")
    found, stopwatch = survey_machine(scale, size, limit_ms=limit_ms, models=models)
    result = design(found, Requirements(latency_ms=limit_ms), stopwatch.turn)
    chosen = result.chosen.candidate
    report = render_design(result, read_card(chosen.card)["provenance"], [])
    name = f"{chosen.name}-{limit_ms:g}ms"
    written = sum(file.stat().st_size for file in (chosen.graph, chosen.weights, chosen.card))
    with storage.room_for(2 * written + _REPORT), tempfile.TemporaryDirectory(dir=storage.folder) as place:
        hand_over(Path(place) / name, chosen, result.note(), report)
        kept = Path(tempfile.mkdtemp(dir=storage.folder))
        archive = Path(shutil.make_archive(str(kept / name), "zip", place, name))
    words = f"{chosen.name}: {result.chosen.milliseconds:.1f} ms measured within {limit_ms:g} ms, {chosen.psnr:.2f} dB"
    return archive, f"{words} on {chosen.validation}"
