"""What drawings of genotypes are made of: plain shapes in pixels, and the colours that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

#: The colours that are not an operation's, on light and on dark ground.
PALETTE: dict[str, tuple[str, str]] = {
    "ground": ("#ffffff", "#14171c"),
    "ink": ("#1c2430", "#e8ebf0"),
    "muted": ("#5d6878", "#9aa5b5"),
    "wire": ("#8592a4", "#76839a"),
    "node": ("#1c2430", "#e8ebf0"),
    "layer": ("#d5dce6", "#39424f"),
    "accent": ("#be123c", "#e5486b"),
}

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Rect:
    """A rectangle; colours are keys of the palette or of the operations, or None for none."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None
    radius: float = 0.0
    stroke: str | None = None


@dataclass(frozen=True)
class Text:
    """One line of text; ``y`` is the middle of its small letters' height, ``size`` in pixels."""

    x: float
    y: float
    text: str
    size: float = 12.0
    fill: str = "ink"
    anchor: Anchor = "middle"
    bold: bool = False
    turned: bool = False  # reads upwards


@dataclass(frozen=True)
class Line:
    """A path: ``("M", x, y)``, ``("L", x, y)`` and ``("Q", control x, control y, x, y)``."""

    path: tuple[tuple[str | float, ...], ...]
    stroke: str = "wire"
    width: float = 1.6
    arrow: bool = False


Shape = Rect | Text | Line


@dataclass(frozen=True)
class Drawing:
    """Shapes in the order in which they are painted, on a ground of this size in pixels; the title says it in words."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str = ""


def moved(shapes: Sequence[Shape], dx: float, dy: float) -> list[Shape]:
    """The same shapes elsewhere, by so many pixels to the right and down."""
    result: list[Shape] = []
    for shape in shapes:
        if isinstance(shape, Line):
            path = tuple(
                (step[0], *(float(value) + (dy if at % 2 else dx) for at, value in enumerate(step[1:])))
                for step in shape.path
            )
            result.append(replace(shape, path=path))
        else:
            result.append(replace(shape, x=shape.x + dx, y=shape.y + dy))
    return result
