"""A teacher: a trained network whose enlarged pictures a smaller one learns to make.

Its pictures are made once and kept as memory-mapped files, by what they are of and what made them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from hnas.bundled import locate_weights
from hnas.data.folders import Pair
from hnas.errors import HnasError
from hnas.evaluation.benchmark import enlarge_picture
from hnas.files import cache_folder, make_folder, write_atomically
from hnas.nets import model_scale
from hnas.weights import load_model, read_weights

#: Called after every picture with how many are done and how many there are.
TeacherProgress = Callable[[int, int], None]


def taught(
    pairs: Sequence[Pair],
    teacher: str | Path,
    *,
    scale: int,
    device: torch.device | str = "cpu",
    progress: TeacherProgress | None = None,
) -> list[Pair]:
    """The same pairs with what the teacher makes of every small picture in place of the true large one.

    Args:
        pairs: of training pictures.
        teacher: as for :func:`hnas.weights.load_model`.
        scale: of the pairs.
        device: where pictures that have to be made are computed.
        progress: called where pictures have to be made.

    Returns:
        Pairs whose ``hr`` are 8-bit pictures, read-only and memory-mapped.

    Raises:
        HnasError: no such model, or one of another scale.
    """
    made_by = hashlib.sha256(locate_weights(teacher).read_bytes()).hexdigest()
    folder = cache_folder() / "taught" / made_by[:24]
    network: nn.Module | None = None
    result = []
    for number, pair in enumerate(pairs, start=1):
        key = hashlib.sha256(f"{pair.lr.shape}".encode() + np.ascontiguousarray(pair.lr).tobytes()).hexdigest()
        path = folder / f"{key[:40]}.npy"
        if not path.exists():
            network = network or _load(teacher, scale).to(device)
            encoded = io.BytesIO()
            np.save(encoded, enlarge_picture(network, pair, device=device), allow_pickle=False)
            make_folder(folder)
            write_atomically(path, encoded.getbuffer())
            if progress:
                progress(number, len(pairs))
        picture = np.load(path, mmap_mode="r", allow_pickle=False)
        if picture.shape != pair.hr.shape:
            raise HnasError(f"{teacher}: it made a picture of {picture.shape} where {pair.hr.shape} is needed")
        result.append(replace(pair, hr=picture))
    return result


def teacher_provenance(teacher: str | Path, weight: float) -> dict[str, Any]:
    """What a weights file says of the teacher that it learnt from: which model, by its content, and its licence."""
    path = locate_weights(teacher)
    return {
        "model": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "licence": str(read_weights(path).provenance.get("licence") or ""),
        "weight": weight,
    }


def _load(teacher: str | Path, scale: int) -> nn.Module:
    network = load_model(teacher)
    if model_scale(network) != scale:
        raise HnasError(f"{teacher} enlarges {model_scale(network)} times; a teacher for scale {scale} is needed")
    return network
