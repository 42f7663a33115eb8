"""The figures of several models on several sets, as rows: for JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hnas.evaluation.benchmark import BenchmarkResult, PictureResult

#: Every figure with its heading and its digits; those that nobody asked for are left out.
FIGURES = {
    "psnr": ("PSNR", 2),
    "ssim": ("SSIM", 4),
    "psnr_x8": ("PSNR x8", 2),
    "ssim_x8": ("SSIM x8", 4),
    "lpips": ("LPIPS", 4),
}


@dataclass(frozen=True)
class Row:
    """One model on one set."""

    model: str
    dataset: str
    scale: int
    result: BenchmarkResult


def as_objects(rows: Iterable[Row], *, per_picture: bool = False) -> list[dict[str, Any]]:
    """Rows as JSON values: model, dataset, scale, the figures; with `per_picture` a list of those of each picture.

    A figure that is infinite (the PSNR of an exact copy) becomes None, as JSON knows no infinity.
    """
    objects = []
    for row in rows:
        entry: dict[str, Any] = {"model": row.model, "dataset": row.dataset, "scale": row.scale}
        entry |= {name: _finite(value) for name, value in _measured(row.result).items()}
        if per_picture:
            entry["pictures"] = [
                {"name": picture.name, **{name: _finite(value) for name, value in _measured(picture).items()}}
                for picture in row.result.pictures
            ]
        objects.append(entry)
    return objects


def as_cells(rows: Sequence[Row], *, per_picture: bool = False) -> tuple[list[str], list[list[str]]]:
    """Headings and lines of text, for a table that people read; pictures follow their set."""
    names = [name for name in FIGURES if any(name in _measured(row.result) for row in rows)]
    headings = ["Model", "Dataset", *(["Picture"] if per_picture else []), "Scale"]
    headings += [FIGURES[name][0] for name in names]
    lines = []
    for row in rows:
        for picture in (None, *row.result.pictures) if per_picture else (None,):
            measured = _measured(picture or row.result)
            place = [row.model, row.dataset, *([picture.name if picture else "mean"] if per_picture else [])]
            figures = [f"{measured[name]:.{FIGURES[name][1]}f}" if name in measured else "" for name in names]
            lines.append([*place, f"x{row.scale}", *figures])
    return headings, lines


def as_csv(rows: Sequence[Row], *, per_picture: bool = False) -> str:
    """Comma-separated values with all digits; `picture` is empty where the line is the mean over the set."""
    names = [name for name in FIGURES if any(name in _measured(row.result) for row in rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", "dataset", "picture", "scale", *names])
    for row in rows:
        for picture in (None, *row.result.pictures) if per_picture else (None,):
            measured = _measured(picture or row.result)
            figures = [measured.get(name, "") for name in names]
            writer.writerow([row.model, row.dataset, picture.name if picture else "", row.scale, *figures])
    return text.getvalue()


def as_markdown(rows: Sequence[Row], *, per_picture: bool = False) -> str:
    """A Markdown table, figures rounded as papers print them."""
    headings, lines = as_cells(rows, per_picture=per_picture)
    texts = headings.index("Scale")
    rule = ["---"] * texts + ["---:"] * (len(headings) - texts)
    return "".join(f"| {' | '.join(_escaped(line))} |\n" for line in (headings, rule, *lines))


def _measured(result: BenchmarkResult | PictureResult) -> dict[str, float]:
    values = {name: getattr(result, name) for name in FIGURES}
    return {name: value for name, value in values.items() if value is not None}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _escaped(cells: Iterable[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in cells]
