"""Genotypes as PNG, painted by matplotlib's Agg; nothing touches pyplot's global state."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from hnas.drawing.layouts import laid_out
from hnas.drawing.shapes import PALETTE, Drawing, Line, Rect
from hnas.space import Genotype, operation_styles

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def genotype_png(genotype: Genotype, *, scale: int | None = None) -> bytes:
    """The genotype as a PNG file, at twice the size of its SVG and on a light ground.

    Args:
        genotype: any valid one.
        scale: written at the upsampling cell, where known.
    """
    buffer = io.BytesIO()
    _figure(laid_out(genotype, scale)).savefig(buffer, format="png", dpi=144)
    return buffer.getvalue()


def _figure(drawing: Drawing) -> Figure:
    """The shapes on a matplotlib figure whose unit is one pixel at 72 dots an inch."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon, Rectangle
    from matplotlib.path import Path as Curve

    colours = {name: light for name, (light, _) in PALETTE.items()}
    colours |= {name: style.colour for name, style in operation_styles().items()}
    colours |= {"white": "#ffffff", "none": "none"}
    codes = {"M": [Curve.MOVETO], "L": [Curve.LINETO], "Q": [Curve.CURVE3, Curve.CURVE3]}
    anchors = {"start": "left", "middle": "center", "end": "right"}
    figure = Figure(figsize=(drawing.width / 72, drawing.height / 72), dpi=72)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, drawing.width), ylim=(drawing.height, 0))
    axes.set_axis_off()
    for order, shape in enumerate(drawing.shapes):
        if isinstance(shape, Rect):
            look: dict[str, Any] = {
                "facecolor": colours[shape.fill or "none"],
                "edgecolor": colours[shape.stroke or "none"],
                "linewidth": 1.0 if shape.stroke else 0.0,
                "zorder": order,
            }
            x, y, width, height, radius = shape.x, shape.y, shape.width, shape.height, shape.radius
            if radius == 0:
                axes.add_patch(Rectangle((x, y), width, height, **look))
            elif radius * 2 == width == height:
                axes.add_patch(Circle((x + radius, y + radius), radius, **look))
            else:
                round_ = f"round,pad=0,rounding_size={min(radius, width / 2, height / 2)}"
                axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=round_, mutation_aspect=1, **look))
        elif isinstance(shape, Line):
            points = [(float(step[at]), float(step[at + 1])) for step in shape.path for at in range(1, len(step), 2)]
            kinds = [code for step in shape.path for code in codes[str(step[0])]]
            curve = Curve(points, kinds)
            colour = colours[shape.stroke]
            axes.add_patch(PathPatch(curve, facecolor="none", edgecolor=colour, linewidth=shape.width, zorder=order))
            if shape.arrow:
                x, y = points[-1]
                head = [(x - 7, y - 4), (x, y), (x - 7, y + 4)]
                axes.add_patch(Polygon(head, facecolor=colour, edgecolor="none", zorder=order))
        else:
            axes.text(
                shape.x,
                shape.y,
                shape.text,
                fontsize=shape.size * 0.92,  # DejaVu Sans is wider than the fonts of a browser
                color=colours[shape.fill],
                ha=anchors[shape.anchor],
                va="center_baseline" if not shape.turned else "center",
                fontweight="bold" if shape.bold else "normal",
                rotation=90 if shape.turned else 0,
                zorder=order,
            )
    return figure
