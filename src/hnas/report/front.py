"""What the chart of candidates shows: points, the Pareto front, and the drawings that wait behind them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from hnas.drawing.svg import genotype_svg
from hnas.report.charts import Axis, axis_floor, make_axis, step_path
from hnas.searching.candidates import Candidate, compare
from hnas.space import Genotype
from hnas.values import finite_or_none

#: More points than this hide each other, and each carries a drawing.
MAX_POINTS = 1000


@dataclass(frozen=True)
class Point:
    """A candidate in the chart: where it stands (0 to 1) and how it is marked ("chosen", "front", "derive" or "").

    ``kind`` is the number of its kind of genotype among those in the chart.
    """

    left: float
    bottom: float
    mark: str
    kind: int


@dataclass(frozen=True)
class FrontChart:
    """Candidates as points, cost across and PSNR up.

    Attributes:
        by_time: cost is measured milliseconds, and candidates that were not timed are left out; else multiply-adds.
        kinds: of genotypes, by their spaces' names.
        over_bicubic: what is up is the PSNR over bicubic's on the same pictures, since every candidate has it.
        front: the Pareto front as a path in a square of 1000.
        front_of_derived: the front is that of the finalists, which were scored on the same pictures.
        data: for each point what the page shows of it, with the number of its drawing.
        genotypes: in the order of their drawings.
        words: the same genotypes in a line each.
        drawings: all drawings as one text, parted by NUL, compressed (zlib) and in base64.
        selected: the point that is shown first: the chosen one, or the best of the front.
        selected_genotype: its genotype; ``selected_drawing`` is that of its cells.
        left_out: how many candidates are not shown.
        below: how many stand at the lower edge, because they score far lower than the others.
    """

    by_time: bool
    kinds: tuple[str, ...]
    over_bicubic: bool
    x: Axis
    y: Axis
    points: tuple[Point, ...]
    front: str
    front_of_derived: bool
    data: list[dict[str, Any]]
    genotypes: list[dict[str, Any]]
    words: list[str]
    drawings: str
    selected: int
    selected_genotype: Genotype
    selected_drawing: Markup
    left_out: int
    below: int


def front_chart(candidates: Sequence[Candidate], *, scale: int | None) -> FrontChart | None:
    """The chart of a run's candidates; None without any."""
    if not candidates:
        return None
    compared = compare(candidates)
    quality, cost, front = compared.quality, compared.cost, compared.front
    spread = _spread(map(cost, compared.candidates))
    shown = _shown(compared.candidates, front)
    x = make_axis((cost(candidate) for candidate, _ in shown), log=spread > 8, margin=0.04)
    floor = axis_floor([quality(candidate) for candidate, _ in shown], [quality(candidate) for candidate in front])
    y = make_axis(max(quality(candidate), floor) for candidate, _ in shown)
    drawings: dict[Genotype, int] = {}
    data = []
    for candidate, mark in shown:
        drawing = drawings.setdefault(candidate.genotype, len(drawings))
        keep = ("step", "params", "cost", "reward", "gain", "lam", "latency_ms", "seed")
        details = {key: number for key in keep if (number := finite_or_none(candidate.record.get(key))) is not None}
        data.append(
            {
                "psnr": candidate.psnr,
                "macs": candidate.macs,
                "source": candidate.source,
                "mark": mark,
                "drawing": drawing,
                **details,
            }
        )
    kinds = tuple(dict.fromkeys(genotype.kind for genotype in drawings))
    svgs = [genotype_svg(genotype, scale=scale, standalone=False) for genotype in drawings]
    last = shown[-1][0].genotype
    return FrontChart(
        by_time=compared.by_time,
        kinds=kinds,
        over_bicubic=compared.over_bicubic,
        x=x,
        y=y,
        points=tuple(
            Point(
                x.place(cost(candidate)),
                max(y.place(quality(candidate)), 0.0),
                mark,
                kinds.index(candidate.genotype.kind),
            )
            for candidate, mark in shown
        ),
        front=step_path([(cost(candidate), quality(candidate)) for candidate in front], x, y),
        front_of_derived=compared.of_derived,
        data=data,
        genotypes=[genotype.to_dict() for genotype in drawings],
        words=[genotype.summary() for genotype in drawings],
        drawings=base64.b64encode(zlib.compress("\0".join(svgs).encode(), 9)).decode(),
        selected=len(shown) - 1,
        selected_genotype=last,
        selected_drawing=Markup(svgs[drawings[last]]),
        left_out=len(candidates) - len(shown),
        below=sum(quality(candidate) < floor for candidate, _ in shown),
    )


def _shown(candidates: Sequence[Candidate], front: Sequence[Candidate]) -> list[tuple[Candidate, str]]:
    """Candidates with their marks, in the order of painting: what matters last, on top of the others.

    Front and chosen one always; of the others an even part, in the order of the run.
    """
    on_front = {id(candidate) for candidate in front}

    def mark(candidate: Candidate) -> str:
        if candidate.chosen:
            return "chosen"
        return "front" if id(candidate) in on_front else ("derive" if candidate.source == "derive" else "")

    marked = [(candidate, mark(candidate)) for candidate in candidates]
    always = [pair for pair in marked if pair[1] in ("front", "chosen")]
    others = [pair for pair in marked if pair[1] not in ("front", "chosen")]
    room = max(MAX_POINTS - len(always), 0)
    if len(others) > room:
        others = [others[at * len(others) // room] for at in range(room)]
    return sorted([*others, *always], key=lambda pair: ("", "derive", "front", "chosen").index(pair[1]))


def _spread(costs: Iterable[float]) -> float:
    known = list(costs)
    return max(known) / min(known) if min(known) > 0 else 1.0
