"""What a run folder holds, read for showing: every part may be missing, none may be damaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from hnas.description import parse_description
from hnas.errors import HnasError
from hnas.run_files import CANDIDATES, CONFIG, GENOTYPE, LATENCY, LOG, WEIGHTS
from hnas.searching.candidates import Candidate, read_candidate
from hnas.settings import read_run_config
from hnas.space import Genotype, load_genotype
from hnas.values import finite_or_none, json_lines, read_json
from hnas.weights import DESCRIPTION

#: A demo keeps its searches and its training in folders of their own, each with its settings.
PARTS = ("search*", "train")


@dataclass(frozen=True)
class ComparedPicture:
    """One picture before and after: the files by ``lr``, ``bicubic``, ``sr`` and ``hr``."""

    name: str
    files: Mapping[str, Path]


@dataclass(frozen=True)
class Run:
    """The parts of a run folder that were found; empty or None where there is none."""

    path: Path
    config: dict[str, Any]
    log: list[dict[str, Any]]
    candidates: list[Candidate]
    genotype: Genotype | None
    evaluation: list[dict[str, Any]]
    pictures: list[ComparedPicture]
    provenance: dict[str, Any]
    description: dict[str, Any]
    latency: dict[str, Any]

    def lines(self, phase: str) -> list[dict[str, Any]]:
        """The log's lines of one phase that say their step, oldest first."""
        return [
            line for line in self.log if line.get("phase") == phase and finite_or_none(line.get("step")) is not None
        ]


def read_run(path: str | Path) -> Run:
    """Reads a run folder; a run that is still going may end in half a line, which is left out.

    Raises:
        HnasError: it is no run folder, or a file in it is damaged; names the file and the line.
    """
    path = Path(path)
    if not path.is_dir():
        raise HnasError(f"{path}: no such run folder")
    if not (path / CONFIG).is_file():
        raise HnasError(f"{path}: not a run folder (no {CONFIG}); give the folder of a search, a training or a demo")
    description, provenance = _weights(path / WEIGHTS)
    return Run(
        path=path,
        config=read_run_config(path / CONFIG)
        | {file.parent.name: read_run_config(file) for part in PARTS for file in sorted(path.glob(f"{part}/{CONFIG}"))},
        log=[line for _, line in _lines(path / LOG)],
        candidates=[read_candidate(where, line) for where, line in _lines(path / CANDIDATES)],
        genotype=load_genotype(path / GENOTYPE) if (path / GENOTYPE).is_file() else None,
        evaluation=_evaluation(path / "evaluation.json"),
        pictures=_pictures(path / "pictures"),
        provenance=provenance,
        description=description,
        latency=_object(path / LATENCY),
    )


def _object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    value = read_json(path, advice="take the file away")
    if not isinstance(value, dict):
        raise HnasError(f"{path}: not a JSON object; take the file away")
    return value


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    return json_lines(path, finite=False) if path.is_file() else iter(())


def _evaluation(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    rows = read_json(path, advice="write it with hnas evaluate --json")
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise HnasError(f"{path}: no list of objects as hnas evaluate --json prints it; write it with that")
    return rows


def _is_row(row: object) -> bool:
    """Whether names are text and figures are numbers, or None (the PSNR of an exact copy)."""
    if not isinstance(row, dict) or not {"model", "dataset", "psnr"} <= row.keys():
        return False
    figures = [row.get(name) for name in ("psnr", "ssim", "psnr_x8", "ssim_x8", "scale")]
    pictures = row.get("pictures", [])
    return (
        all(isinstance(row[name], str) for name in ("model", "dataset"))
        and all(figure is None or finite_or_none(figure) is not None for figure in figures)
        and isinstance(pictures, list)
        and all(isinstance(picture, dict) and isinstance(picture.get("name"), str) for picture in pictures)
    )


def _pictures(folder: Path) -> list[ComparedPicture]:
    pictures = []
    for sr in sorted(folder.glob("*_sr.png")):
        name = sr.name.removesuffix("_sr.png")
        files = {kind: folder / f"{name}_{kind}.png" for kind in ("lr", "bicubic", "sr", "hr")}
        files = {kind: file for kind, file in files.items() if file.is_file()}
        if "bicubic" in files:
            pictures.append(ComparedPicture(name, files))
    return pictures


def _weights(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    if not path.is_file():
        return {}, {}
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(DESCRIPTION, '{"description": {}}')
    except (SafetensorError, OSError) as error:
        raise HnasError(f"{path}: no readable .safetensors file ({error}); it may be truncated") from error
    said = parse_description(text, where=str(path))
    return said["description"], said["provenance"]
