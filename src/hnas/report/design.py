"""The report of a design: what this machine reaches in how many milliseconds, and the network that was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hnas import __version__
from hnas.deploy.design.attainable import Attainable, Timed
from hnas.deploy.design.hand_over import GRAPH
from hnas.deploy.design.within_limits import Design
from hnas.report.design_chart import COMPARED, KNOWN, design_chart
from hnas.report.packaged import templates

#: What milliseconds buy is said of these.
STEPS = (10.0, 20.0, 50.0, 100.0, 200.0)


@dataclass(frozen=True)
class Row:
    """A network in the table of all.

    Attributes:
        psnr: by set, as text.
        how: its time is known, in words.
    """

    name: str
    mark: str
    shape: str
    milliseconds: float
    how: str
    macs: int
    params: int
    psnr: tuple[str, ...]


def render_design(design: Design, provenance: Mapping[str, Any], more: Sequence[tuple[str, str]] = ()) -> str:
    """The page as text: one file that needs no other and no network.

    Args:
        design: what was chosen and timed.
        provenance: how the chosen network's weights came about, from its card.
        more: further facts, a title and words each.
    """
    found = design.attainable
    sets = _sets(found)
    return (
        templates()
        .get_template("design.html.j2")
        .render(
            design=design,
            chosen=design.chosen.candidate,
            machine=found.machine,
            sets=sets,
            compared=COMPARED if COMPARED in sets else None,
            chart=design_chart(design),
            rows=_rows(design, sets),
            buys=_buys(design),
            left_out=found.left_out,
            known=KNOWN,
            graph=GRAPH,
            facts=[*_facts(design, provenance), *more],
        )
    )


def _sets(found: Attainable) -> list[str]:
    """The sets of the table: that of the choice first, then those that every network of the family has."""
    first, *others = (one.candidate for one in found.family)
    shared = [name for name in first.results if all(name in other.results for other in others)]
    return [first.validation, *(name for name in shared if name != first.validation)]


def _rows(design: Design, sets: list[str]) -> list[Row]:
    rows = []
    for one in design.attainable.family:
        here = one.candidate
        mark = "chosen" if here is design.chosen.candidate else "front" if one.on_front else ""
        figures = {**here.results, here.validation: here.psnr}
        psnr = tuple(f"{figures[name]:.2f}" for name in sets)
        rows.append(
            Row(
                here.name,
                mark,
                f"{here.width} × {here.depth}",
                one.milliseconds,
                KNOWN[one.how],
                here.macs,
                here.params,
                psnr,
            )
        )
    for peer, ms in design.attainable.peers:
        psnr = tuple(f"{peer.results[name]:.2f}" if name in peer.results else "" for name in sets)
        rows.append(Row(peer.name, "peer", "", ms, KNOWN["timed"], peer.macs, peer.params, psnr))
    return sorted(rows, key=lambda row: row.milliseconds)


def _buys(design: Design) -> list[tuple[str, Timed, tuple[str, float, float] | None]]:
    """Milliseconds, the best of the family in these, and the best hand-made network with its ms and PSNR."""
    limit, found = design.limits.latency_ms, design.attainable
    slowest = found.family[-1].milliseconds
    rows = []
    for ms in sorted({*(step for step in STEPS if step < 2 * slowest), *([limit] if limit else [])}):
        if best := found.within(ms):
            other = found.peer_within(ms, COMPARED)
            peer = (other[0].name, other[1], other[0].results[COMPARED]) if other else None
            rows.append((f"{ms:g} ms", best, peer))
    return rows


def _facts(design: Design, provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    machine, chosen = design.attainable.machine, design.chosen.candidate
    facts = [
        ("limits", design.limits.words),
        ("low-resolution picture", machine.size),
        ("runtime", machine.runtime),
        ("threads", str(machine.threads)),
        ("processor", machine.processor),
        ("expected after a few turns", f"{design.expected_ms:.1f} ms"),
        ("measured, kept by three of four runs in both of two passes", f"{design.chosen.milliseconds:.1f} ms"),
        ("network", chosen.name),
    ]
    facts += [(name, str(provenance[name])) for name in ("licence", "steps", "seed") if name in provenance]
    return [*facts, ("written by", f"hnas {__version__}")]
