"""Where the marks of a chart stand, as fractions of its area: the page places them with CSS, at any width.

So text keeps its size on a phone, colours follow light and dark, and a chart needs no script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10
from statistics import quantiles

#: A curve keeps no more points than this: a screen shows no more.
_MAX_POINTS = 300


@dataclass(frozen=True)
class Axis:
    """A range of values, linear or logarithmic, and its ticks.

    Attributes:
        ticks: place (0 to 1) and label.
    """

    low: float
    high: float
    log: bool
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Where a value stands, 0 to 1."""
        if self.log:
            return log10(value / self.low) / log10(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Curve:
    """One line: its path in a square of 1000 (y downwards), a fainter path of the raw values, and the last value."""

    label: str
    path: str
    raw: str
    last: str


@dataclass(frozen=True)
class LineChart:
    """Curves over the same steps."""

    title: str
    x_label: str
    x: Axis
    y: Axis
    curves: tuple[Curve, ...]


Points = Sequence[tuple[float, float]]


def make_axis(values: Iterable[float], *, log: bool = False, margin: float = 0.05, whole: bool = False) -> Axis:
    """An axis around all finite values.

    Args:
        values: at least one finite one; all above 0 where ``log``.
        log: logarithmic; falls back to linear where a value is not above 0.
        margin: added on both sides, as a part of the range.
        whole: ticks at whole numbers only.
    """
    finite = [value for value in values if isfinite(value)]
    low, high = min(finite), max(finite)
    if log and low > 0:
        low, high = (low / 1.25, high * 1.25) if low == high else (low, high)
        stretch = (high / low) ** margin
        low, high = low / stretch, high * stretch
        return Axis(low, high, True, _log_ticks(low, high))
    if low == high:
        low, high = low - max(abs(low) * 0.1, 1e-9), high + max(abs(high) * 0.1, 1e-9)
    extra = (high - low) * margin
    low, high = low - extra, high + extra
    return Axis(low, high, False, _ticks(low, high, whole=whole))


def axis_floor(values: Sequence[float], front: Sequence[float]) -> float:
    """Where an axis of values and their front may end below: a few failures far down must not squeeze the others."""
    lower, _, upper = quantiles([*values, *front], n=4)
    return min(lower - 4 * (upper - lower), *front)


def line_chart(
    title: str, series: Sequence[tuple[str, Points]], *, x_label: str = "step", smooth: bool = False, log: bool = False
) -> LineChart | None:
    """A chart of named series of (step, value); None without a finite value.

    Args:
        title: what is shown, with its unit.
        series: empty ones are left out.
        x_label: what the steps count.
        smooth: draw the mean over a twentieth of the steps, and the values themselves faintly.
        log: logarithmic values.
    """
    kept = [(name, [point for point in points if isfinite(point[1])]) for name, points in series]
    kept = [(name, points) for name, points in kept if points]
    if not kept:
        return None
    x = make_axis((step for _, points in kept for step, _ in points), margin=0.0, whole=True)
    y = make_axis((value for _, points in kept for _, value in points), log=log)
    curves = []
    for name, points in kept:
        raw = _thinned(points)
        main = _thinned(_rolling_mean(points, max(len(points) // 20, 1))) if smooth else raw
        curves.append(Curve(name, _path(main, x, y), _path(raw, x, y) if smooth else "", number(points[-1][1])))
    return LineChart(title, x_label, x, y, tuple(curves))


def step_path(points: Points, x: Axis, y: Axis) -> str:
    """A front as a path in a square of 1000: from each point level to the next one's cost, then up."""
    path = ""
    for at, (across, up) in enumerate(points):
        px, py = 1000 * x.place(across), 1000 * (1 - y.place(up))
        path += f"M{px:.1f} {py:.1f}" if at == 0 else f"H{px:.1f}V{py:.1f}"
    return path + ("H1000" if points else "")


def number(value: float) -> str:
    """A value for reading: four significant digits, no needless zeros."""
    if value == 0 or not isfinite(value):
        return f"{value:g}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 1e-3 else f"{value:.2e}"


def _path(points: Points, x: Axis, y: Axis) -> str:
    return "M" + "L".join(f"{1000 * x.place(step):.1f} {1000 * (1 - y.place(value)):.1f}" for step, value in points)


def _rolling_mean(points: Points, width: int) -> list[tuple[float, float]]:
    """Mean of the last ``width`` values (fewer at the start), so that no value comes from the future."""
    means = []
    total = 0.0
    for at, (step, value) in enumerate(points):
        total += value - (points[at - width][1] if at >= width else 0.0)
        means.append((step, total / min(at + 1, width)))
    return means


def _thinned(points: Points) -> Points:
    """Lowest and highest value of every stretch, in their order, so that no peak is lost."""
    if len(points) <= _MAX_POINTS:
        return points
    stretch = 2 * len(points) / _MAX_POINTS
    kept: list[tuple[float, float]] = []
    for at in range(_MAX_POINTS // 2):
        part = points[round(at * stretch) : round((at + 1) * stretch)]
        kept += sorted({min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])})
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept


def _ticks(low: float, high: float, *, whole: bool = False) -> tuple[tuple[float, str], ...]:
    """Four to six round values; fewer where only whole ones will do."""
    rough = max((high - low) / 5, 1.0 if whole else 0.0)
    power = 10.0 ** floor(log10(rough))
    step = next(
        power * factor for factor in ((1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)) if power * factor >= rough
    )
    first, last = -floor(-low / step), floor(high / step)
    decimals = max(0, -floor(log10(step) + 1e-9) + (abs(step / power - 2.5) < 1e-9))
    return tuple(((step * at - low) / (high - low), f"{step * at:,.{decimals}f}") for at in range(first, last + 1))


def _log_ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """1, 2 and 5 of every decade; where that gives fewer than three, round values as on a linear axis."""
    wide = high / low > 1e3
    values = [
        factor * 10.0**power
        for power in range(floor(log10(low)), floor(log10(high)) + 1)
        for factor in ((1,) if wide else (1, 2, 5))
        if low <= factor * 10.0**power <= high
    ]
    if len(values) < 3:
        linear = [low + place * (high - low) for place, _ in _ticks(low, high)]
        values = [value for value in linear if low <= value <= high]
    span = log10(high / low)
    return tuple((log10(value / low) / span, f"{value:.6g}") for value in values)
