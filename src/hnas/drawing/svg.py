"""Genotypes as SVG: written as text, small, crisp, dark where the reader's system is dark."""

from __future__ import annotations

from xml.sax.saxutils import escape

from hnas.drawing.layouts import laid_out
from hnas.drawing.shapes import PALETTE, Line, Rect, Shape
from hnas.space import Genotype, operation_styles

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
    drawing = laid_out(genotype, scale)
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
