"""What drawings of genotypes are made of: plain shapes in pixels, and the colours that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

#: Operation -> (colour, label in a box, explanation in the legend). White text is legible on every colour (4.5:1).
OPERATION_STYLES: dict[str, tuple[str, str, str]] = {
    "identity": ("#64748b", "identity", "passes its input on"),
    "dil_conv_3x3": ("#0e7a6d", "dil conv 3×3", "dilated convolution"),
    "dil_conv_5x5": ("#0b5563", "dil conv 5×5", "dilated convolution"),
    "sep_conv_3x3": ("#2f6fd0", "sep conv 3×3", "separable convolution, twice"),
    "sep_conv_5x5": ("#3730a3", "sep conv 5×5", "separable convolution, twice"),
    "up_down_projection": ("#b4540a", "up-down proj.", "up- and down-projection block"),
    "rcab": ("#a3195b", "RCAB", "residual channel attention block"),
    "conv_3x3": ("#475569", "conv 3×3", "plain 3×3 convolution with ReLU"),
    "residual_3x3": ("#854d0e", "residual 3×3", "two 3×3 convolutions with a path around both"),
    "area": ("#6b7280", "area", "interpolation"),
    "bilinear": ("#4d7c0f", "bilinear", "interpolation"),
    "nearest": ("#0e7490", "nearest", "interpolation"),
    "sub_pixel": ("#7c3aed", "sub-pixel", "convolution, then pixel shuffle"),
    "deconvolution": ("#be123c", "deconvolution", "transposed convolution"),
}

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
