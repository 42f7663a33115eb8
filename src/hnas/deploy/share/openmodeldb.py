"""An entry for OpenModelDB, the public list of upscaling models: one JSON object about one model."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.weights import read_weights

_PLATFORMS = {".safetensors": ("pytorch", "safetensors"), ".onnx": ("onnx", "onnx"), ".pt": ("pytorch", "pth")}


def openmodeldb_entry(weights: Path, output: Path, *, name: str) -> dict[str, Any]:
    """What OpenModelDB's editors ask for, as far as the files know it; author and download addresses are left empty.

    Args:
        weights: the weights file.
        output: an exported file, or a folder for the Hub; named as a second resource where its kind is listed there.
        name: the model's.

    Raises:
        HnasError: a file cannot be read.
    """
    file = read_weights(weights)
    provenance, scale = file.provenance, int(file.description["scale"])
    data = provenance.get("data") or []
    return {
        "name": f"{scale}x-{name}",
        "author": "",
        "license": provenance.get("licence") or None,
        "tags": ["photo"],
        "description": f"A x{scale} network for photographs made smaller by bicubic interpolation, "
        f"architecture {file.description['architecture']} (HNAS-SR); reads RGB in [0, 1].",
        "date": datetime.fromtimestamp(weights.stat().st_mtime, UTC).date().isoformat(),
        "architecture": "hnas",
        "size": [f"{sum(tensor.numel() for tensor in file.tensors.values()) / 1e3:.0f}K parameters"],
        "scale": scale,
        "inputChannels": 3,
        "outputChannels": 3,
        "resources": [_resource(path) for path in (weights, output) if path.suffix in _PLATFORMS],
        "trainingIterations": provenance.get("kept_step"),
        "trainingBatchSize": provenance.get("batch"),
        "trainingHRSize": provenance["patch"] * scale if isinstance(provenance.get("patch"), int) else None,
        "trainingOTF": False,
        "dataset": ", ".join(item["folder"] for item in data) or None,
        "datasetSize": sum(item["pictures"] for item in data) or None,
        "images": [],
    }


def write_entry(weights: Path, output: Path, *, name: str) -> Path:
    """Writes :func:`openmodeldb_entry` beside an exported file, or into a folder for the Hub, and gives its path."""
    entry = openmodeldb_entry(weights, output, name=name)
    path = (output if output.is_dir() else output.parent) / f"{entry['name']}.json"
    write_atomically(path, json.dumps(entry, indent=4) + "\n")
    return path


def _resource(path: Path) -> dict[str, Any]:
    platform, kind = _PLATFORMS[path.suffix]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HnasError(f"{path}: {error.strerror}") from error
    digest = hashlib.sha256(data).hexdigest()
    return {"platform": platform, "type": kind, "size": len(data), "sha256": digest, "urls": []}
