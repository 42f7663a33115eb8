"""Where everything in the drawing of a genotype stands: plain shapes in pixels, for any number of nodes and layers.

A cell is laid out like a railway map. Every value (an input or a node) is a horizontal line in its own row; the
columns are the depth of the graph. An edge leaves the line of its source, runs down in the channel before its column
and enters a box that names its operation. Rows and channels belong to one value each, so nothing can overlap.
"""

from __future__ import annotations

from itertools import permutations

from hnas.drawing.shapes import Drawing, Line, Rect, Shape, Text, moved
from hnas.space.cells.genotype import CELL_INPUTS, Cell, CellGenotype
from hnas.space.cells.operations import OPERATIONS, operation_of

_BOX = (116.0, 24.0)  # an operation's box
_ROW = 31.0  # between the two boxes of a node
_NODE_PITCH = 84.0  # between nodes
_INPUT_PITCH = 38.0
_TRACK = 16.0  # between two lines that run down in a channel
_RADIUS = 12.0  # of a node
_BEND = 8.0
_MARGIN = 24.0


def layout(genotype: CellGenotype, scale: int | None = None) -> Drawing:
    """The whole picture: the row of layers, both cells, the legend.

    Args:
        genotype: any valid one.
        scale: written at the upsampling cell, where known.
    """
    normal, upsampling = _cell(genotype.normal), _cell(genotype.upsampling)
    count = genotype.layers - 1
    titles = (
        (normal, "Normal cell", f"{count} layer{'s' * (count != 1)}" if count else "not used"),
        (upsampling, "Upsampling cell", f"layer {genotype.position}"),
    )
    beside = normal.width + upsampling.width <= 1240
    width = max(normal.width + upsampling.width + 56 if beside else max(normal.width, upsampling.width), 560.0)
    strip = _strip(genotype, width, scale)
    width = max(width, strip.width)
    shapes = list(strip.shapes)
    x, y, bottom = 0.0, strip.height + 44, 0.0
    for drawing, title, where in titles:
        shapes.append(Text(x, y, title, size=15, anchor="start", bold=True))
        shapes.append(Text(x + 9.4 * len(title), y + 1, where, fill="muted", anchor="start"))
        shapes += moved(drawing.shapes, x, y + 30)
        bottom = max(bottom, y + 30 + drawing.height)
        x, y = (x + drawing.width + 56, y) if beside else (x, bottom + 40)
    legend = _legend(genotype, width)
    shapes += moved(legend.shapes, 0, bottom + 26)
    height = bottom + 26 + legend.height
    ground = Rect(0, 0, width + 2 * _MARGIN, height + 2 * _MARGIN, fill="ground")
    return Drawing(ground.width, ground.height, (ground, *moved(shapes, _MARGIN, _MARGIN)), _title(genotype))


def _title(genotype: CellGenotype) -> str:
    cells = "; ".join(
        f"{cell.kind} cell: "
        + ", ".join(
            f"node {index} = " + " + ".join(f"{edge.operation}({edge.source})" for edge in node)
            for index, node in enumerate(cell.nodes)
        )
        for cell in (genotype.normal, genotype.upsampling)
    )
    return f"{genotype.layers} layers, upsampling cell at {genotype.position}; {cells}"


def _cell(cell: Cell) -> Drawing:
    """Inputs at the left, a column for every depth of the graph, the concatenation at the right."""
    depth = dict.fromkeys(CELL_INPUTS, 0)
    for index, node in enumerate(cell.nodes):
        depth[index] = 1 + max(depth[edge.source] for edge in node)
    rows = {source: _RADIUS + _INPUT_PITCH * at for at, source in enumerate(CELL_INPUTS)}
    first = rows[-1] + 26 + _ROW / 2 + _BOX[1] / 2
    rows |= {index: first + _NODE_PITCH * index for index in range(len(cell.nodes))}

    leaves = dict.fromkeys(CELL_INPUTS, 2 * _RADIUS)  # where a value's line begins
    reaches = dict.fromkeys(depth, 0.0)  # where its last branch leaves
    flat: list[Shape] = []
    gaps: list[Line] = []
    branches: list[Line] = []
    boxes: list[Shape] = []
    left = 2 * _RADIUS + 4
    for column in range(1, max(depth.values()) + 1):
        nodes = [index for index in range(len(cell.nodes)) if depth[index] == column]
        ends: dict[int, list[float]] = {}  # source -> the heights at which its branches enter boxes
        entries = []
        for index in nodes:
            # Adding does not mind the order; the upper source first saves crossings.
            for slot, edge in enumerate(sorted(cell.nodes[index], key=lambda edge: edge.source)):
                y = rows[index] + _ROW * (slot - 0.5)
                ends.setdefault(edge.source, []).append(y)
                entries.append((edge, rows[index], y))
        sources = _fewest_crossings({source: (rows[source], ys) for source, ys in ends.items()})
        tracks = {source: left + 20 + _TRACK * at for at, source in enumerate(sources)}
        box_x = left + 20 + _TRACK * (len(sources) - 1) + 26
        middle = box_x + _BOX[0] + 26 + _RADIUS
        for source, track in tracks.items():
            reaches[source] = track
            gap, *lines = _branches(track, rows[source], ends[source])
            gaps.append(gap)
            branches += lines
        for edge, row, y in entries:
            flat.append(Line((("M", tracks[edge.source] + _BEND, y), ("L", box_x, y))))
            flat.append(_merge(box_x + _BOX[0], y, middle - _RADIUS, row))
            boxes += _box(edge.operation, box_x, y, enlarges=cell.kind == "normal" or edge.source < 0)
        for index in nodes:
            leaves[index] = middle + _RADIUS
            boxes += _circle(middle, rows[index], str(index))
        left = middle + _RADIUS + 4

    bar = left + 26
    for value, row in rows.items():
        end = bar - 2 if value >= 0 else reaches[value] - _BEND
        if end > leaves[value]:
            flat.append(Line((("M", leaves[value], row), ("L", end, row)), arrow=value >= 0))
    top, bottom = first - _ROW / 2 - _BOX[1] / 2, rows[len(cell.nodes) - 1] + _ROW / 2 + _BOX[1] / 2
    centre = (top + bottom) / 2
    shapes: list[Shape] = [*flat, *gaps, *branches, *boxes]
    for source in CELL_INPUTS:
        shapes += _circle(_RADIUS, rows[source], str(source).replace("-", "−"), hollow=True)
    shapes.append(Rect(bar, top, 24, bottom - top, fill="node", radius=6))
    shapes.append(Text(bar + 12, centre, "concat", fill="ground", turned=True, bold=True))
    shapes.append(Line((("M", bar + 24, centre), ("L", bar + 50, centre)), arrow=True))
    return Drawing(bar + 54, bottom, tuple(shapes))


def _fewest_crossings(sources: dict[int, tuple[float, list[float]]]) -> tuple[int, ...]:
    """The order of the channel's lines, left to right; every order is tried where there are few."""

    def crossings(order: tuple[int, ...]) -> int:
        count = 0
        for at, left in enumerate(order):
            row, ends = sources[left]
            for right in order[at + 1 :]:
                other_row, other_ends = sources[right]
                count += sum(other_row < y < max(other_ends) for y in ends)  # left's branches through right
                count += row < other_row < max(ends)  # right's own line through left
        return count

    order = tuple(sorted(sources, reverse=True))
    return min(permutations(order), key=crossings) if len(order) <= 5 else order


def _branches(track: float, row: float, ends: list[float]) -> list[Line]:
    """From the line of a source down to its boxes: a gap in what is crossed, one upright, a bend at every box.

    The gap tells a crossing from a joint.
    """
    *nearer, last = sorted(ends)
    gap = Line((("M", track, row + _BEND + 2), ("L", track, last - _BEND - 2)), stroke="ground", width=6.0)
    upright = Line(
        (
            ("M", track - _BEND, row),
            ("Q", track, row, track, row + _BEND),
            ("L", track, last - _BEND),
            ("Q", track, last, track + _BEND, last),
        )
    )
    return [gap, upright, *(Line((("M", track, y - _BEND), ("Q", track, y, track + _BEND, y))) for y in nearer)]


def _merge(x: float, y: float, node_x: float, node_y: float) -> Line:
    """From a box into the node that sums."""
    middle = (x + node_x) / 2
    return Line(
        (
            ("M", x, y),
            ("Q", middle, y, middle, (y + node_y) / 2),
            ("Q", middle, node_y, node_x, node_y),
        )
    )


def _box(operation: str, x: float, y: float, *, enlarges: bool) -> list[Shape]:
    """Outlined where the operation of an upsampling cell meets an already enlarged picture."""
    width, height = _BOX
    fill, ink = (operation, "white") if enlarges else ("ground", operation)
    box = Rect(x, y - height / 2, width, height, fill=fill, radius=6, stroke=operation)
    return [box, Text(x + width / 2, y, operation_of(operation).style.label, fill=ink)]


def _circle(x: float, y: float, text: str, *, hollow: bool = False) -> list[Shape]:
    fill, ink = ("ground", "node") if hollow else ("node", "ground")
    circle = Rect(x - _RADIUS, y - _RADIUS, 2 * _RADIUS, 2 * _RADIUS, fill=fill, radius=_RADIUS, stroke="node")
    return [circle, Text(x, y, text, fill=ink, bold=True)]


def _strip(genotype: CellGenotype, width: float, scale: int | None) -> Drawing:
    """The layers in a row; they grow at the upsampling cell, as the picture does."""
    small, large, ground, end = 26.0, 44.0, 64.0, 84.0
    pitch = min(max((width - 2 * end) / genotype.layers, 7.0), 46.0)
    every = 1 if pitch >= 18 else 10
    numbered = {1, *range(every, genotype.layers + 1, every)}
    numbered -= set(range(genotype.position - every + 1, genotype.position + every))
    shapes: list[Shape] = [
        Text(0, ground - small / 2, "LR · 3×3 conv", size=11, fill="muted", anchor="start"),
    ]
    for layer in range(1, genotype.layers + 1):
        x = end + pitch * (layer - 1)
        here = layer == genotype.position
        height = small if layer < genotype.position else large
        shapes.append(Rect(x, ground - height, pitch - 4, height, fill="accent" if here else "layer", radius=3))
        if here or layer in numbered:
            colour = "accent" if here else "muted"
            shapes.append(Text(x + pitch / 2 - 2, ground + 12, str(layer), size=11, fill=colour, bold=here))
        if here:
            text = f"enlarges ×{scale}" if scale else "enlarges"
            shapes.append(Text(x + pitch / 2 - 2, ground - large - 11, text, size=11, fill="accent", bold=True))
    x = end + pitch * genotype.layers
    shapes.append(Text(x + 6, ground - large / 2, "3×3 conv · SR", size=11, fill="muted", anchor="start"))
    return Drawing(x + end, ground + 20, tuple(shapes))


def _legend(genotype: CellGenotype, width: float) -> Drawing:
    """The operations that occur, in the order of their registry, and how to read the lines."""
    used = {edge.operation for cell in (genotype.normal, genotype.upsampling) for edge in cell.edges}
    shapes: list[Shape] = []
    x, y = 0.0, 0.0
    for name in (name for names in OPERATIONS.values() for name in names if name in used):
        style = operation_of(name).style
        text = f"{style.label}: {style.meaning}"
        step = 20 + 6.1 * len(text) + 22
        if x and x + step > width:
            x, y = 0.0, y + 20
        shapes.append(Rect(x, y - 6, 12, 12, fill=name, radius=3))
        shapes.append(Text(x + 19, y, text, size=11, fill="muted", anchor="start"))
        x += step
    notes = ["−1 and −2: the outputs of the last cell and the one before it. A node sums its two operations."]
    if any(edge.source >= 0 for edge in genotype.upsampling.edges):
        notes.append(
            "Outlined: already at the large size, so interpolation and sub-pixel pass on, deconvolution keeps the size."
        )
    for note in notes:
        y += 20
        shapes.append(Text(0, y, note, size=11, fill="muted", anchor="start"))
    return Drawing(width, y + 8, tuple(shapes))
