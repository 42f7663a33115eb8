"""The chart of a design: milliseconds across, PSNR up, the limit as a line, and names that do not hide each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from hnas.deploy.design.attainable import How, Timed
from hnas.deploy.design.within_limits import Design
from hnas.report.charts import Axis, make_axis, step_path
from hnas.zoo.table_two import BICUBIC, SCALE

#: The set on which published networks are compared.
COMPARED = "Set5"
#: How a time is known, for a reader.
KNOWN: Mapping[How, str] = {
    "measured": "measured whole",
    "timed": "timed in turns",
    "predicted": "predicted from others",
}
#: Pixels of the chart, of a letter and of a line, and how far a name begins from its point: near enough on any screen.
_WIDTH, _HEIGHT, _LETTER, _LINE, _GAP = 1160.0, 420.0, 6.6, 13.0, 8.0
#: Where a name stands, as seen from its point: class of the page, direction across and up.
_SIDES = (("nw", -1, 1), ("se", 1, -1), ("ne", 1, 1), ("sw", -1, -1))
_Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Point:
    """A network in the chart.

    Attributes:
        left: where it stands, 0 to 1; ``bottom`` likewise.
        mark: "chosen", "front", "derive" (behind the front) or "peer", and perhaps "predicted".
        label: its short name.
        title: what it says of itself.
        side: where the name stands, one of the corners "nw", "se", "ne", "sw".
    """

    left: float
    bottom: float
    mark: str
    label: str
    title: str
    side: str = "nw"


@dataclass(frozen=True)
class Chart:
    """What the page draws.

    Attributes:
        dataset: of the PSNR.
        front: of the family, as a path in a square of 1000.
        limit: place of the limit of time, 0 to 1, with its words; None without one.
        bicubic: PSNR of bicubic interpolation, which is below everything here; None where it is not known.
    """

    dataset: str
    x: Axis
    y: Axis
    points: tuple[Point, ...]
    front: str
    limit: tuple[float, str] | None
    bicubic: float | None


def design_chart(design: Design) -> Chart:
    """The front of this machine: on Set5 where all of the family were measured on it, else on the validation set."""
    found, limit = design.attainable, design.limits.latency_ms
    compared = all(COMPARED in one.candidate.results for one in found.family)
    dataset = COMPARED if compared else found.family[0].candidate.validation

    def quality(one: Timed) -> float:
        return one.candidate.results[COMPARED] if compared else one.candidate.psnr

    peers = [(peer, ms) for peer, ms in found.peers if compared and dataset in peer.results]
    costs = [one.milliseconds for one in found.family] + [ms for _, ms in peers] + ([limit] if limit else [])
    x = make_axis(costs, log=True, margin=0.06)
    y = make_axis([quality(one) for one in found.family] + [peer.results[dataset] for peer, _ in peers], margin=0.1)
    best: list[Timed] = []
    for one in found.family:  # fastest first
        if not best or quality(one) > quality(best[-1]):
            best.append(one)
    points = []
    for peer, ms in peers:
        title = f"{peer.name}: {ms:.1f} ms; {peer.results[dataset]:.2f} dB, {dataset}, published weights"
        points.append(Point(x.place(ms), y.place(peer.results[dataset]), "peer", peer.name, title))
    for one in sorted(found.family, key=lambda one: one.candidate is design.chosen.candidate):
        mark = "chosen" if one.candidate is design.chosen.candidate else "front" if one in best else "derive"
        title = f"{one.candidate.name}: {one.milliseconds:.1f} ms, {KNOWN[one.how]}; {quality(one):.2f} dB, {dataset}"
        points.append(
            Point(
                x.place(one.milliseconds),
                y.place(quality(one)),
                f"{mark} predicted" if one.how == "predicted" else mark,
                f"{one.candidate.width}×{one.candidate.depth}",
                title,
            )
        )
    return Chart(
        dataset,
        x,
        y,
        tuple(_named(points, [(x.place(one.milliseconds), y.place(quality(one))) for one in best])),
        step_path([(one.milliseconds, quality(one)) for one in best], x, y),
        (x.place(limit), f"limit {limit:g} ms") if limit else None,
        BICUBIC.printed[COMPARED].psnr if compared and found.family[0].candidate.scale == SCALE else None,
    )


def _named(points: list[Point], front: list[tuple[float, float]]) -> list[Point]:
    """Every name at the corner of its point where it hides least: those of the family first, hand-made ones then."""
    taken = [_around(point) for point in points] + _line(front)
    sides: dict[int, str] = {}
    for at in sorted(range(len(points)), key=lambda at: (points[at].mark == "peer", -at)):
        order = _SIDES if points[at].mark != "peer" else (*_SIDES[1:], _SIDES[0])
        places = [(side, _name_box(points[at], across, up)) for side, across, up in order]
        side, box = min(places, key=lambda place: _hidden(place[1], taken))  # the first of equals
        sides[at] = side
        taken.append(box)
    return [replace(point, side=sides[at]) for at, point in enumerate(points)]


def _around(point: Point) -> _Box:
    x, y, half = point.left * _WIDTH, point.bottom * _HEIGHT, 5.0
    return x - half, y - half, x + half, y + half


def _line(front: list[tuple[float, float]]) -> list[_Box]:
    """The steps of the front, from place to place, as thin boxes."""
    boxes = []
    for (x, y), (next_x, next_y) in pairwise([*front, (1.0, front[-1][1])]):
        level, right = y * _HEIGHT, next_x * _WIDTH
        boxes += [
            (x * _WIDTH, level - 1, right, level + 1),
            (right - 1, level, right + 1, next_y * _HEIGHT),
        ]
    return boxes


def _name_box(point: Point, across: int, up: int) -> _Box:
    gap, letter = (1.5 * _GAP, 1.4 * _LETTER) if point.mark.startswith("chosen") else (_GAP, _LETTER)
    x, y = point.left * _WIDTH + across * gap, point.bottom * _HEIGHT + up * gap
    width = letter * len(point.label)
    left, bottom = (x if across > 0 else x - width), (y if up > 0 else y - _LINE)
    return left, bottom, left + width, bottom + _LINE


def _hidden(box: _Box, taken: list[_Box]) -> float:
    """Square pixels of a name that lie on others or outside the chart."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    outside = area - _common(box, (0.0, 0.0, _WIDTH, _HEIGHT))
    return outside + sum(_common(box, other) for other in taken)


def _common(one: _Box, other: _Box) -> float:
    return max(0.0, min(one[2], other[2]) - max(one[0], other[0])) * max(
        0.0, min(one[3], other[3]) - max(one[1], other[1])
    )
