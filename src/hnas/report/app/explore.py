"""What the app shows of a search: its front, the cells of one point, and that point's genotype to take away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnas.drawing.svg import genotype_svg
from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.report.front import FrontChart, front_chart
from hnas.report.packaged import templates
from hnas.report.page import scale_of
from hnas.report.run import read_run
from hnas.space import Genotype, read_genotype


@dataclass(frozen=True)
class Exploration:
    """One search, ready to show.

    Attributes:
        chart: its candidates.
        scale: of the search, where its settings say so.
    """

    name: str
    chart: FrontChart
    scale: int | None

    @property
    def html(self) -> str:
        """The chart, with a button for every point that carries its number as ``data-point``."""
        template = templates().get_template("charts.html.j2")
        return f'<div class="hnas">{template.module.front(self.chart)}</div>'  # type: ignore[attr-defined]

    def genotype(self, point: int) -> Genotype:
        """The genotype of a point.

        Raises:
            HnasError: there is no such point.
        """
        return read_genotype(self.chart.genotypes[self._data(point)["drawing"]])

    def cells(self, point: int) -> str:
        """The drawn cells of a point."""
        svg = genotype_svg(self.genotype(point), scale=self.scale, standalone=False)
        return f'<div class="hnas" style="overflow-x:auto">{svg}</div>'

    def facts(self, point: int) -> str:
        """What is known of a point, in one line."""
        data = self._data(point)
        parts = [f"**{data['psnr']:.3f} dB**", f"**{data['macs'] / 1e9:.2f} G** multiply-adds"]
        if "gain" in data:
            parts.insert(1, f"{data['gain']:+.3f} dB over bicubic on the same pictures")
        if "params" in data:
            parts.append(f"{int(data['params']):,} parameters")
        if "latency_ms" in data:
            parts.append(f"{data['latency_ms']:.2f} ms")
        words = {"chosen": "chosen by the search", "front": "on the front", "derive": "a finalist"}
        return " · ".join([*parts, words.get(data["mark"], "drawn in the search")])

    def save_genotype(self, point: int, folder: Path) -> Path:
        """Writes the genotype as ``<run>-<point>.json`` into a folder."""
        path = folder / f"{self.name}-{point}.json"
        write_atomically(path, json.dumps(self.genotype(point).to_dict()) + "\n")
        return path

    def _data(self, point: int) -> dict[str, Any]:
        if not 0 <= point < len(self.chart.data):
            raise HnasError(f"point {point}: {self.name} shows points 0 to {len(self.chart.data) - 1}")
        return self.chart.data[point]


def explore(run_dir: Path) -> Exploration:
    """Reads a search.

    Raises:
        HnasError: no run folder, a damaged file in it, or no candidates.
    """
    run = read_run(run_dir)
    scale = scale_of(run)
    chart = front_chart(run.candidates, scale=scale)
    if chart is None:
        raise HnasError(f"{run_dir}: holds no candidates; give the folder of a search")
    return Exploration(run.path.resolve().name, chart, scale)
