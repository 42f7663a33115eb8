"""Draws a genotype as SVG or PNG, so that it can be read at a glance.

The layouts are this project's own (``cells/layout.py``, ``chain/layout.py``), so no graph program is needed. SVG is
written as text: small, crisp, dark where the reader's system is dark. PNG is painted by matplotlib's Agg, which the
project depends on anyway; nothing touches pyplot's global state.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.space.kinds import KINDS, operation_styles
from hnas.space.protocol import Genotype
from hnas.space.shapes import PALETTE, Drawing, Line, Rect, Shape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"


def _rules(column: int) -> str:
    colours = {name: pair[column] for name, pair in PALETTE.items()}
    return "".join(f".g-{name}{{fill:{colour}}}.s-{name}{{stroke:{colour}}}" for name, colour in colours.items())


def stylesheet() -> str:
    """The rules that a page needs once when it holds drawings made with ``standalone=False``."""
    colours = {name: style.colour for name, style in operation_styles().items()}
    operations = "".join(f".g-{name}{{fill:{colour}}}.s-{name}{{stroke:{colour}}}" for name, colour in colours.items())
    # An outlined box writes its name in the operation's colour, which is too dark for a dark ground.
    lighter = "".join(
        f"text.g-{name}{{fill:color-mix(in srgb,{colour} 50%,white)}}" for name, colour in colours.items()
    )
    return (
        f".genotype{{font:12px {_FONT}}}.genotype path{{fill:none}}.g-white{{fill:#fff}}"
        f"{operations}{_rules(0)}@media(prefers-color-scheme:dark){{{_rules(1)}{lighter}}}"
    )


def genotype_svg(genotype: Genotype, *, scale: int | None = None, standalone: bool = True) -> str:
    """The genotype as one ``<svg>`` element: the row of layers, both cells, the legend.

    Args:
        genotype: any valid one.
        scale: written at the upsampling cell, where known.
        standalone: carry the style rules; without them the page must hold :func:`stylesheet`.
    """
    drawing = KINDS[genotype.kind].layout(genotype, scale)
    size = f"{drawing.width:.0f} {drawing.height:.0f}"
    width, height = size.split()
    style = f"<style>{stylesheet()}</style>" if standalone else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="genotype" role="img" viewBox="0 0 {size}" width="{width}" '
        f'height="{height}"><title>{escape(drawing.title)}</title>{style}'
        f"{''.join(_element(shape) for shape in drawing.shapes)}</svg>"
    )


def _element(shape: Shape) -> str:
    if isinstance(shape, Rect):
        radius = f' rx="{shape.radius:g}"' if shape.radius else ""
        return (
            f'<rect x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:g}" height="{shape.height:g}"{radius} '
            f'class="{_classes(shape.fill, shape.stroke)}"/>'
        )
    if isinstance(shape, Line):
        path = "".join(f"{step[0]}{' '.join(f'{value:g}' for value in step[1:])}" for step in shape.path)
        line = f'<path d="{path}" class="s-{shape.stroke}" stroke-width="{shape.width:g}"/>'
        return line + (_arrow_head(shape) if shape.arrow else "")
    turned = f' transform="rotate(-90 {shape.x:g} {shape.y:g})"' if shape.turned else ""
    bold = ' font-weight="600"' if shape.bold else ""
    size = f' font-size="{shape.size:g}"' if shape.size != 12 else ""
    # Not every reader of SVG knows dominant-baseline; a third of the size below the middle looks the same.
    return (
        f'<text x="{shape.x:g}" y="{shape.y + shape.size * 0.35:g}" text-anchor="{shape.anchor}"{size}{bold}{turned} '
        f'class="g-{shape.fill}">{escape(shape.text)}</text>'
    )


def _classes(fill: str | None, stroke: str | None) -> str:
    return " ".join([f"g-{fill}"] * bool(fill) + [f"s-{stroke}"] * bool(stroke))


def _arrow_head(line: Line) -> str:
    x, y = float(line.path[-1][-2]), float(line.path[-1][-1])
    return f'<polygon points="{x - 7:g},{y - 4:g} {x:g},{y:g} {x - 7:g},{y + 4:g}" class="g-{line.stroke}"/>'


def draw_genotype(genotype: Genotype, path: str | Path, *, scale: int | None = None) -> None:
    """Writes the drawing to a ``.svg`` or ``.png`` file (PNG at twice the size, on a light ground).

    Raises:
        HnasError: another file ending, or the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".svg", ".png"):
        raise HnasError(f"{path}: a drawing is written as .svg or .png, not as {kind or 'a file without ending'}")
    if kind == ".svg":
        write_atomically(path, genotype_svg(genotype, scale=scale))
    else:
        buffer = io.BytesIO()
        _figure(KINDS[genotype.kind].layout(genotype, scale)).savefig(buffer, format="png", dpi=144)
        write_atomically(path, buffer.getvalue())


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
