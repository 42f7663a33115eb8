"""Drawings of genotypes as files."""

from __future__ import annotations

from pathlib import Path

from hnas.drawing.png import genotype_png
from hnas.drawing.svg import genotype_svg
from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.space import Genotype


def draw_genotype(genotype: Genotype, path: str | Path, *, scale: int | None = None) -> None:
    """Writes the drawing to a ``.svg`` or ``.png`` file (PNG at twice the size, on a light ground).

    Raises:
        HnasError: another file ending, or the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".svg", ".png"):
        raise HnasError(f"{path}: a drawing is written as .svg or .png, not as {kind or 'a file without ending'}")
    drawing = genotype_svg(genotype, scale=scale) if kind == ".svg" else genotype_png(genotype, scale=scale)
    write_atomically(path, drawing)
