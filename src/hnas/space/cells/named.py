"""The searched genotypes that the paper publishes, by name."""

from __future__ import annotations

from hnas.space.cells.genotype import Cell, CellGenotype, Edge
from hnas.space.cells.operations import CellKind


def _cell(kind: CellKind, text: str) -> Cell:
    """Reads ``operation source, operation source; ...``: nodes parted by semicolons."""
    nodes = []
    for node in text.split(";"):
        first, second = (edge.split() for edge in node.split(","))
        nodes.append((Edge(first[0], int(first[1])), Edge(second[0], int(second[1]))))
    return Cell(kind, tuple(nodes))


#: The costs in the comments are multiply-adds at C = 64, x2 and a 3x480x480 input, transposed convolutions included.
NAMED_GENOTYPES: dict[str, CellGenotype] = {
    "HNAS-A": CellGenotype(  # 357.3 G
        layers=12,
        position=10,
        normal=_cell(
            "normal",
            "identity -1, sep_conv_5x5 -1; dil_conv_3x3 -2, dil_conv_5x5 -1;"
            "identity -1, dil_conv_3x3 -1; dil_conv_5x5 -1, sep_conv_3x3 2",
        ),
        upsampling=_cell(
            "upsampling",
            "deconvolution -2, bilinear -2; area -1, deconvolution -2;"
            "area 1, bilinear -2; bilinear -1, deconvolution 1",
        ),
    ),
    "HNAS-B": CellGenotype(  # 490.6 G
        layers=12,
        position=12,
        normal=_cell(
            "normal",
            "dil_conv_3x3 -2, rcab -1; dil_conv_5x5 -2, sep_conv_5x5 -1;"
            "sep_conv_3x3 -1, dil_conv_3x3 -2; sep_conv_3x3 0, dil_conv_5x5 1",
        ),
        upsampling=_cell(
            "upsampling",
            "sub_pixel -1, bilinear -1; bilinear -1, sub_pixel -2;"
            "sub_pixel 1, sub_pixel 1; deconvolution -2, nearest -1",
        ),
    ),
    "HNAS-C": CellGenotype(  # 626.7 G; the cost printed in the paper belongs to position 10
        layers=12,
        position=12,
        normal=_cell(
            "normal",
            "rcab -1, identity -1; dil_conv_3x3 -1, identity -2;"
            "dil_conv_5x5 -2, rcab 1; dil_conv_5x5 2, dil_conv_3x3 -2",
        ),
        upsampling=_cell(
            "upsampling",
            "sub_pixel -2, nearest -1; deconvolution 0, nearest -2; deconvolution 1, sub_pixel 0; bilinear -2, area -2",
        ),
    ),
}
