"""The report of a run: one HTML file that holds everything it shows and asks nothing of any network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from hnas import __version__
from hnas.drawing.svg import genotype_svg, stylesheet
from hnas.evaluation.gains import REFERENCES, gains_over_bicubic, is_bicubic
from hnas.files import write_atomically
from hnas.report.charts import LineChart, line_chart, number
from hnas.report.compare import picture_views
from hnas.report.front import FrontChart, front_chart
from hnas.report.packaged import templates
from hnas.report.promises import promises
from hnas.report.run import Run, read_run
from hnas.run_files import REPORT
from hnas.searching.candidates import Candidate, early_and_late
from hnas.space import operation_styles
from hnas.values import finite_or_none

#: Numbers of which a histogram also shows those that were never chosen.
_MOST_BARS = 16


@dataclass(frozen=True)
class Bar:
    """How often something was drawn early and late in a search, as shares of its kind."""

    label: str
    colour: str
    early: float
    late: float


def write_report(run_dir: str | Path) -> Path:
    """Writes ``report.html`` into a run folder, whatever parts of a run are there.

    Args:
        run_dir: see :mod:`hnas.report` for what is read.

    Returns:
        The file written.

    Raises:
        HnasError: no run folder, a damaged file in it, or a disk that cannot be written.
    """
    run = read_run(run_dir)
    path = run.path / REPORT
    write_atomically(path, render_report(run))
    return path


def render_report(run: Run) -> str:
    """The page as text."""
    scale = scale_of(run)
    front = front_chart(run.candidates, scale=scale)
    drawing = genotype_svg(run.genotype, scale=scale, standalone=False) if run.genotype else None
    return (
        templates()
        .get_template("report.html.j2")
        .render(
            name=run.path.resolve().name,
            summary=_summary(run, scale),
            tiles=_tiles(run),
            pictures=picture_views(run.pictures),
            psnr=_picture_psnr(run.evaluation),
            evaluation=_evaluation(run.evaluation),
            front=front,
            at_size=_at_size(run),
            promises=promises(run),
            front_data=_front_data(front) if front else None,
            genotype=run.genotype,
            drawing=Markup(drawing) if drawing else None,
            warnings=_warnings(run.lines("search")),
            search_charts=_search_charts(run.lines("search")),
            histograms=_histograms(run.candidates),
            training_charts=_training_charts([*run.lines("train"), *run.lines("demo")]),
            settings=_flat(run.config),
            provenance=_flat({**run.provenance, "report written by": f"hnas {__version__}"}),
            drawing_css=Markup(stylesheet()),
        )
    )


def _front_data(front: FrontChart) -> Markup:
    """What the page's script shows of the points, as JSON."""
    value = {"points": front.data, "genotypes": front.genotypes, "words": front.words}
    return Markup(json.dumps(value).replace("<", "\\u003c"))  # "<" could end the script element that holds it


def scale_of(run: Run) -> int | None:
    """The scale that a run is for, where its weights or settings say so."""
    for source in (run.description, run.config):
        if isinstance(source.get("scale"), int):
            return int(source["scale"])
    return None


def _summary(run: Run, scale: int | None) -> str:
    parts = [str(run.config.get("command", "run")).capitalize()]
    if scale:
        parts.append(f"×{scale}")
    for phase, unit in (("search", "rounds of search"), ("train", "steps of training")):
        if lines := run.lines(phase):
            parts.append(f"{int(lines[-1]['step']):,} {unit}")
    if run.candidates:
        parts.append(f"{len(run.candidates):,} genotypes scored")
    return " · ".join(parts)


def _tiles(run: Run) -> list[tuple[str, str, str]]:
    """The few figures that matter most: value, what it is, on what."""
    tiles = []
    for row in _evaluation(run.evaluation):
        if row["gain"] is not None:
            tiles.append((f"{row['gain']:+.2f} dB", "over bicubic", f"{row['dataset']}, {row['model']}"))
    chosen = [candidate for candidate in run.candidates if candidate.chosen]
    if chosen:
        at = _at_size(run).strip() or "chosen genotype"
        tiles.append((f"{number(chosen[-1].macs / 1e9)} G", "multiply-adds", at))
        if "params" in chosen[-1].record:
            tiles.append((f"{int(chosen[-1].record['params']):,}", "parameters", "chosen genotype"))
    return tiles[:4]


def _at_size(run: Run) -> str:
    """For which picture costs are meant, as the end of a sentence; nothing where the settings do not say."""
    size = run.config.get("lr_size") or run.config.get("search", {}).get("lr_size")
    return f" for an LR picture of {size}" if isinstance(size, str) else ""


def _evaluation(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows for the table, with the gain over bicubic on the same data set at the same scale (dB)."""
    columns = ("model", "dataset", "scale", "psnr", "ssim", "psnr_x8", "ssim_x8")
    return [
        {**{column: row.get(column) for column in columns}, "gain": gain, "is_bicubic": is_bicubic(row)}
        for row, gain in zip(rows, gains_over_bicubic(rows), strict=True)
    ]


def _picture_psnr(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """PSNR by version ("bicubic" or "sr") and picture, where an evaluation lists its pictures; the first network's."""
    found: dict[tuple[str, str], float] = {}
    for row in rows:
        if is_bicubic(row) and row["model"] not in REFERENCES:
            continue
        version = "bicubic" if is_bicubic(row) else "sr"
        for picture in row.get("pictures") or ():
            if (psnr := finite_or_none(picture.get("psnr"))) is not None:
                found.setdefault((version, picture["name"]), psnr)
    return found


def _search_charts(lines: Sequence[Mapping[str, Any]]) -> list[LineChart]:
    heads = sorted(
        {head for line in lines if isinstance(line.get("entropy"), dict) for head in line["entropy"]}, key=str
    )
    entropies, supernet = _nested(lines, "entropy"), _nested(lines, "supernet")
    means = [
        # The content of the batch moves PSNR more than genotypes do; over bicubic, most of it cancels.
        ("Reward, with PSNR over bicubic", "worth", 1.0),
        ("Reward", "reward", 1.0),
        ("PSNR term of the reward", "reward_psnr", 1.0),
        ("Cost term of the reward", "reward_cost", 1.0),
        ("PSNR drawn, over bicubic, dB", "gain", 1.0),
        ("Cost drawn, G multiply-adds", "macs", 1e-9),
    ]
    charts = [
        line_chart(title, [(title, _series(lines, name, factor))], smooth=True, x_label="round")
        for title, name, factor in means
    ]
    charts += [
        line_chart(
            "Entropy of the controller, nats", [(head, _series(entropies, head)) for head in heads], x_label="round"
        ),
        line_chart(
            "Loss of the shared weights", [("loss", _series(lines, "w_loss"))], smooth=True, log=True, x_label="round"
        ),
        line_chart(
            "Shared weights on random genotypes, dB",
            [("over bicubic", _series(supernet, "gain")), ("spread", _series(supernet, "spread"))],
            x_label="round",
        ),
        line_chart(
            "Kendall's tau between shared weights and training alone",
            [("tau", _series(supernet, "tau"))],
            x_label="round",
        ),
    ]
    return [chart for chart in charts if chart]


def _nested(lines: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """The numbers that lines hold under one name, with their steps."""
    return [{**line[name], "step": line.get("step")} for line in lines if isinstance(line.get(name), dict)]


def _warnings(lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What the search warned of: when, and what; of warnings that differ in their figures only the last."""
    last: dict[str, tuple[list[int], str]] = {}
    for line in lines:
        said = line.get("warnings")
        for text in said if isinstance(said, list) else ():
            kind = "".join(letter for letter in str(text) if not (letter.isdigit() or letter in ".%+-"))
            steps = last.get(kind, ([], ""))[0]
            last[kind] = ([*steps, int(line["step"])], str(text))
    return [(f"{len(steps)} times, last in round {steps[-1]}", text) for steps, text in last.values()]


def _training_charts(lines: Sequence[Mapping[str, Any]]) -> list[LineChart]:
    charts = [
        line_chart("Training loss", [("loss", _series(lines, "loss"))], smooth=True, log=True),
        line_chart("PSNR on validation pictures, dB", [("PSNR", _series(lines, "psnr"))]),
        line_chart("Learning rate", [("learning rate", _series(lines, "lr"))]),
    ]
    return [chart for chart in charts if chart]


def _series(lines: Sequence[Mapping[str, Any]], name: str, factor: float = 1.0) -> list[tuple[float, float]]:
    found = ((finite_or_none(line.get("step")), finite_or_none(line.get(name))) for line in lines)
    return [(step, value * factor) for step, value in found if step is not None and value is not None]


def _histograms(candidates: Sequence[Candidate]) -> list[tuple[str, list[Bar]]]:
    """Shares of every answer to every question of the space, among the first and the last third of what was drawn."""
    early, late = early_and_late(candidates)
    histograms, styles = [], operation_styles()
    for question in dict.fromkeys([*early, *late]):
        first, last = early.get(question, {}), late.get(question, {})
        bars = [
            Bar(
                styles[name].label if name in styles else name,
                styles[name].colour if name in styles else "var(--accent)",
                first.get(name, 0.0),
                last.get(name, 0.0),
            )
            for name in _answers({*first, *last})
        ]
        histograms.append((question, bars))
    return histograms


def _answers(found: set[str]) -> list[str]:
    """Operations in the order of their registry; numbers in theirs, with those between where they are few."""
    if found <= (styles := operation_styles()).keys():
        return [name for name in styles if name in found]
    numbers = sorted(map(int, found))
    between = range(numbers[0], numbers[-1] + 1)
    return [str(number) for number in (between if len(between) <= _MOST_BARS else numbers)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names with their values as text."""
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            rows.append((f"{prefix}{name}", ", ".join(map(str, value))))
        else:
            rows.append((f"{prefix}{name}", str(value)))
    return rows
