"""The drawing of a chain: its parts in a row, as high as the picture is large there, and the path around them."""

from __future__ import annotations

from itertools import groupby

from hnas.drawing.shapes import Drawing, Line, Rect, Shape, Text, moved
from hnas.space.chain.blocks import BLOCKS
from hnas.space.chain.genotype import ChainGenotype

_MARGIN = 24.0
_SMALL, _LARGE = 56.0, 96.0  # heights before and after the enlargement
_PITCH = 34.0  # from block to block
_ENDS = 76.0  # width of stem, enlargement and tail
_GAP = 10.0
_GROUND = 150.0  # where the row stands
_SKIP = 20.0  # height of the path around


def layout(genotype: ChainGenotype, scale: int | None = None) -> Drawing:
    """The row of parts, the path around them, and the legend.

    Args:
        genotype: any valid one.
        scale: written at the enlargement, where known.
    """
    shapes: list[Shape] = []
    x = _label(shapes, 0.0, "LR") + _GAP
    start = x
    x = _part(shapes, x, "3×3 stem", _SMALL, fill="node")
    for index, name in enumerate(genotype.blocks):
        if index == genotype.enlargement and genotype.after:
            x = _enlargement(shapes, x, scale)
        height = _SMALL if index < genotype.enlargement else _LARGE
        shapes.append(Rect(x, _GROUND - height, _PITCH - 4, height, fill=name, radius=4))
        shapes.append(Text(x + _PITCH / 2 - 2, _GROUND - height / 2, str(index + 1), fill="white", bold=True))
        x += _PITCH
    x += _GAP - 4
    x = _part(shapes, x, "3×3 tail", _SMALL if not genotype.after else _LARGE, fill="node")
    if not genotype.after:
        x = _enlargement(shapes, x, scale)
    shapes += _skip(start, x)
    x = _label(shapes, x + 34, "SR")
    for at, (colour, text) in enumerate(_legend(genotype)):
        y = _GROUND + 34 + 20 * at
        if colour:
            shapes.append(Rect(0, y - 6, 12, 12, fill=colour, radius=3))
        shapes.append(Text(19 if colour else 0, y, text, size=11, fill="muted", anchor="start"))
    width = max(x, 6.1 * max(len(text) for _, text in _legend(genotype)) + 20, 420.0)
    height = _GROUND + 34 + 20 * len(_legend(genotype))
    ground = Rect(0, 0, width + 2 * _MARGIN, height + 2 * _MARGIN - 20, fill="ground")
    return Drawing(ground.width, ground.height, (ground, *moved(shapes, _MARGIN, _MARGIN)), genotype.summary())


def _label(shapes: list[Shape], x: float, text: str) -> float:
    shapes.append(Text(x, _GROUND - _SMALL / 2, text, size=13, anchor="start", bold=True))
    return x + 9.0 * len(text) + 6


def _part(shapes: list[Shape], x: float, text: str, height: float, *, fill: str) -> float:
    shapes.append(Rect(x, _GROUND - height, _ENDS, height, fill="ground", radius=6, stroke=fill))
    shapes.append(Text(x + _ENDS / 2, _GROUND - height / 2, text, size=11))
    return x + _ENDS + _GAP


def _enlargement(shapes: list[Shape], x: float, scale: int | None) -> float:
    shapes.append(Rect(x, _GROUND - _LARGE, _ENDS, _LARGE, fill="accent", radius=6))
    text = f"enlarges ×{scale}" if scale else "enlarges"
    shapes.append(Text(x + _ENDS / 2, _GROUND - _LARGE / 2, text, size=11, fill="white"))
    return x + _ENDS + _GAP


def _skip(start: float, end: float) -> list[Shape]:
    """The enlarged picture, added at the end."""
    left, top, bottom = start - _GAP / 2 - 2, _SKIP, _GROUND - _SMALL / 2
    path = Line((("M", left, bottom), ("L", left, top), ("L", end + 6, top), ("L", end + 6, bottom - 10)), arrow=False)
    circle = Rect(end - 4, bottom - 10, 20, 20, fill="ground", radius=10, stroke="node")
    return [
        path,
        circle,
        Text(end + 6, bottom, "+", bold=True),
        Text((start + end) / 2, top - 10, "the picture, enlarged bicubically", size=11, fill="muted"),
    ]


def _legend(genotype: ChainGenotype) -> list[tuple[str | None, str]]:
    styles = {name: BLOCKS[name].style for name, _ in groupby(sorted(genotype.blocks))}
    lines: list[tuple[str | None, str]] = [(name, f"{style.label}: {style.meaning}") for name, style in styles.items()]
    seen = "brightness alone; what it adds is added to all colours" if genotype.colour == "luma" else "all colours"
    return [*lines, (None, f"{genotype.width} channels in every block; it sees {seen}.")]
