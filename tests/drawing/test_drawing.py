"""The drawing is read back from its shapes: what a viewer can follow must be the genotype that was drawn."""

import subprocess
import sys
from itertools import combinations
from random import Random
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hnas.drawing.cells import _cell, layout
from hnas.drawing.shapes import PALETTE, Drawing, Line, Rect, Text
from hnas.drawing.svg import genotype_svg
from hnas.drawing.writing import draw_genotype
from hnas.errors import HnasError
from hnas.space import operation_styles
from hnas.space.cells import NAMED_GENOTYPES, OPERATIONS, Cell, CellGenotype, CellSpace, Edge
from hnas.space.cells.genotype import MAX_NODES_IN_ALL
from hnas.space.chain import BLOCKS


@st.composite
def genotypes(draw):
    nodes = draw(st.integers(1, 9))
    space = CellSpace(layers=draw(st.integers(1, min(40, MAX_NODES_IN_ALL // nodes))), nodes=nodes)
    return space.sample(Random(draw(st.integers(0, 2**32))))


def read_back(drawing: Drawing) -> list[list[tuple[str, int]]]:
    """Follows the lines from every operation's box back to its source and on to its node."""
    lines = [shape for shape in drawing.shapes if isinstance(shape, Line) and shape.stroke != "ground"]
    circles = {
        (shape.y, int(shape.text.replace("−", "-")))
        for shape in drawing.shapes
        if isinstance(shape, Text) and shape.bold and not shape.turned
    }
    row_of = dict(circles)  # height -> value
    assert len(row_of) == len(circles), "two values share a row"
    ends = {tuple(line.path[-1][-2:]): line for line in lines}
    starts = {tuple(line.path[0][1:]): line for line in lines}
    uprights = {line.path[2][1]: line for line in lines if len(line.path) == 4}
    nodes: dict[int, list[tuple[str, int]]] = {}
    for box in drawing.shapes:
        if isinstance(box, Rect) and box.stroke in operation_styles():
            y = box.y + box.height / 2
            into = ends[(box.x, y)]
            bend = ends[tuple(into.path[0][1:])]
            track = bend.path[-1][1]  # the control point of the bend lies on the upright line
            upright = uprights[track]
            assert upright.path[1][-1] <= y <= upright.path[-1][-1]
            source = row_of[upright.path[0][2]]
            node = row_of[starts[(box.x + box.width, y)].path[-1][-1]]
            nodes.setdefault(node, []).append((box.stroke, source))
    return [sorted(nodes[index]) for index in sorted(nodes)]


@settings(deadline=None, max_examples=60)
@given(genotypes())
def test_lines_lead_where_the_genotype_says(genotype):
    for cell in (genotype.normal, genotype.upsampling):
        drawn = read_back(_cell(cell))
        assert drawn == [sorted((edge.operation, edge.source) for edge in node) for node in cell.nodes]


def extent(shape: Rect | Text) -> tuple[float, float, float, float]:
    if isinstance(shape, Rect):
        return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    width, height = 0.6 * shape.size * len(shape.text), shape.size
    if shape.turned:
        width, height = height, width
    left = shape.x - {"start": 0, "middle": width / 2, "end": width}[shape.anchor]
    return left, shape.y - height / 2, left + width, shape.y + height / 2


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@settings(deadline=None, max_examples=40)
@given(genotypes())
def test_no_label_or_box_overlaps_another(genotype):
    shapes = layout(genotype, scale=4).shapes
    labels = [extent(shape) for shape in shapes if isinstance(shape, Text)]
    boxes = [extent(shape) for shape in shapes if isinstance(shape, Rect) and shape.fill != "layer"][1:]
    assert not [pair for pair in combinations(labels, 2) if overlap(*pair)]
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    width, height = shapes[0].width, shapes[0].height
    assert all(min(box) >= 0 and box[2] <= width and box[3] <= height for box in boxes)


def test_duplicate_edges_are_drawn_twice():
    twice = Cell("normal", ((Edge("rcab", -1), Edge("rcab", -1)),))
    assert read_back(_cell(twice)) == [[("rcab", -1), ("rcab", -1)]]


@pytest.mark.parametrize("name", NAMED_GENOTYPES)
def test_svg_names_every_operation_and_layer(name):
    genotype = NAMED_GENOTYPES[name]
    root = ElementTree.fromstring(genotype_svg(genotype, scale=2))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for operation, style in operation_styles().items():
        edges = [*genotype.normal.edges, *genotype.upsampling.edges]
        count = sum(edge.operation == operation for edge in edges)
        assert texts.count(style.label) == count
        assert texts.count(f"{style.label}: {style.meaning}") == (count > 0)
    assert texts.count("enlarges ×2") == 1
    assert "<style>" not in genotype_svg(genotype, standalone=False)


def test_every_operation_has_a_legible_colour_of_its_own():
    """White on a box: contrast 4.5 to 1, as WCAG 2.1 (1.4.3) asks for text of this size."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(one), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    colours = {name: style.colour for name, style in operation_styles().items()}
    assert colours.keys() == {*OPERATIONS["normal"], *OPERATIONS["upsampling"], *BLOCKS}
    assert len(set(colours.values())) == len(colours)
    assert min(contrast(colour, "#ffffff") for colour in colours.values()) >= 4.5
    for shade in (0, 1):
        assert contrast(PALETTE["muted"][shade], PALETTE["ground"][shade]) >= 4.5


def test_files(tmp_path):
    genotype = NAMED_GENOTYPES["HNAS-A"]
    draw_genotype(genotype, tmp_path / "a.svg")
    ElementTree.parse(tmp_path / "a.svg")
    draw_genotype(genotype, str(tmp_path / "a.png"))
    with Image.open(tmp_path / "a.png") as picture:
        drawing = layout(genotype)
        assert picture.size == pytest.approx((2 * drawing.width, 2 * drawing.height), abs=2)
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
    for name in ("identity", "dil_conv_5x5", "deconvolution", "bilinear"):
        code = operation_styles()[name].colour
        assert tuple(int(code[at : at + 2], 16) for at in (1, 3, 5)) in colours
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg"]


@pytest.mark.parametrize("name", ["cell.pdf", "cell", "missing/cell.svg", "missing/cell.png"])
def test_files_that_cannot_be_written(tmp_path, name):
    with pytest.raises(HnasError, match=name):
        draw_genotype(NAMED_GENOTYPES["HNAS-A"], tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_drawing_leaves_matplotlibs_global_state_alone(tmp_path):
    code = (
        "import sys; from pathlib import Path; from hnas.drawing.writing import draw_genotype\n"
        "from hnas.space.cells import Cell, CellGenotype, Edge\n"
        "node = (Edge('identity', -1), Edge('identity', -2)); up = (Edge('area', -1), Edge('area', -1))\n"
        "genotype = CellGenotype(1, 1, Cell('normal', (node,)), Cell('upsampling', (up,)))\n"
        "assert 'matplotlib' not in sys.modules\n"
        f"draw_genotype(genotype, Path({str(tmp_path / 'a.png')!r}))\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_largest_genotype_is_still_drawn_right():
    genotype: CellGenotype = CellSpace(layers=MAX_NODES_IN_ALL // 64, nodes=64).sample(Random(3))
    for cell in (genotype.normal, genotype.upsampling):
        drawn = read_back(_cell(cell))
        assert drawn == [sorted((edge.operation, edge.source) for edge in node) for node in cell.nodes]
    ElementTree.fromstring(genotype_svg(genotype))
