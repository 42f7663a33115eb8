"""``hnas show``."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hnas.cli.options import Json
from hnas.drawing.writing import draw_genotype
from hnas.run_files import GENOTYPE
from hnas.space import load_genotype


def show(
    genotype: str,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    scale: int | None = None,
    json: Json = False,
) -> None:
    """Draw a genotype, or print it as text.

    Cells are shown with their nodes: -2 and -1 are the outputs of the two cells before, 0 and up are the cell's own
    nodes. The position says which of the layers is the upsampling cell. A chain is shown with its width and blocks.

    Args:
        genotype: A name from the paper (HNAS-A, HNAS-B, HNAS-C), a genotype's JSON file, or a run's folder.
        output: Write a drawing to this .svg or .png file.
        scale: Write the scale at the upsampling cell of the drawing.
    """
    path = Path(genotype)
    shown = load_genotype(path / GENOTYPE if path.is_dir() else genotype)
    if output is not None:
        draw_genotype(shown, output, scale=scale)
        print(f"drawn to {output}", file=sys.stderr)
    if json:
        print(json_module.dumps(shown.to_dict(), indent=2))
    elif output is None:
        print("\n".join(shown.lines()))
