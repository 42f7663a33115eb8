"""The searched genotypes that the paper publishes, by name."""

from __future__ import annotations

from pathlib import Path

from hnas.errors import HnasError
from hnas.space.genotype import Cell, CellKind, Edge, Genotype


def _cell(kind: CellKind, text: str) -> Cell:
    """Reads ``operation source, operation source; ...``: nodes parted by semicolons."""
    nodes = []
    for node in text.split(";"):
        first, second = (edge.split() for edge in node.split(","))
        nodes.append((Edge(first[0], int(first[1])), Edge(second[0], int(second[1]))))
    return Cell(kind, tuple(nodes))


#: The costs in the comments are multiply-adds at C = 64, x2 and a 3x480x480 input, transposed convolutions included.
NAMED_GENOTYPES: dict[str, Genotype] = {
    "HNAS-A": Genotype(  # 357.3 G
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
    "HNAS-B": Genotype(  # 490.6 G
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
    "HNAS-C": Genotype(  # 626.7 G; the cost printed in the paper belongs to position 10
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


#: A genotype takes a few hundred bytes; anything near this is not one.
_MAX_FILE_BYTES = 1 << 20


def load_genotype(name_or_path: str | Path) -> Genotype:
    """A genotype by the paper's name (``HNAS-A``) or from a JSON file.

    Raises:
        HnasError: neither a known name nor a readable file with a valid genotype.
    """
    named = NAMED_GENOTYPES.get(str(name_or_path).upper())
    if named is not None:
        return named
    path = Path(name_or_path)
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise HnasError(f"{path}: larger than 1 MiB, so not a genotype")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise HnasError(f"{path}: not a text file, so not a genotype ({error.reason})") from error
    except OSError as error:
        names = ", ".join(NAMED_GENOTYPES)
        raise HnasError(f"{path}: {error.strerror}; give one of {names} or a genotype's JSON file") from error
    try:
        return Genotype.from_json(text)
    except HnasError as error:
        raise HnasError(f"{path}: {error}") from error
