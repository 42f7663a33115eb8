"""What a run folder holds, read for showing: every part may be missing, none may be damaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from hnas.description import parse_description
from hnas.errors import HnasError
from hnas.run_files import CANDIDATES, CONFIG, GENOTYPE, LATENCY, LOG, WEIGHTS
from hnas.settings import read_run_config
from hnas.space import Genotype, load_genotype, read_genotype
from hnas.values import json_lines, read_json
from hnas.weights import DESCRIPTION

#: A demo keeps its searches and its training in folders of their own, each with its settings.
PARTS = ("search*", "train")


@dataclass(frozen=True)
class Candidate:
    """One genotype and how it scored.

    Attributes:
        psnr: dB, on what ``source`` scores on: all of one source compare, those of two need not.
        gain: the same less bicubic's PSNR on the same pictures, dB, which compares better; None where unknown.
        macs: multiply-adds.
        milliseconds: measured on the whole network; None where it was not.
        source: who proposed it; "derive" are the finalists, scored on the same validation pictures.
        chosen: the one that the search ended with.
        record: the whole line.
    """

    genotype: Genotype
    psnr: float
    gain: float | None
    macs: float
    milliseconds: float | None
    source: str
    chosen: bool
    record: Mapping[str, Any]


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
        return [line for line in self.log if line.get("phase") == phase and finite(line.get("step")) is not None]


def finite(value: object) -> float | None:
    """A value from a file as a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


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
        candidates=[_candidate(where, line) for where, line in _lines(path / CANDIDATES)],
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


def _candidate(where: str, line: dict[str, Any]) -> Candidate:
    psnr, macs = finite(line.get("psnr")), finite(line.get("macs"))
    if psnr is None or macs is None:
        raise HnasError(f"{where}: a candidate needs a genotype, psnr and macs, finite; take the line out")
    try:
        genotype = read_genotype(line.get("genotype"))
    except HnasError as error:
        raise HnasError(f"{where}: {error}") from error
    return Candidate(
        genotype=genotype,
        psnr=psnr,
        gain=finite(line.get("gain")),
        macs=macs,
        milliseconds=finite(line.get("latency_ms")) if line.get("latency_measured") is True else None,
        source=str(line.get("source", "")),
        chosen=line.get("chosen") is True,
        record=line,
    )


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
        and all(figure is None or finite(figure) is not None for figure in figures)
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
