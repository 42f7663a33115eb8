"""What a model that was trained for JPEGs gives on compressed pictures, beside bicubic interpolation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from hnas.data.degradations import as_degraded, read_degradation
from hnas.data.folders import Pair
from hnas.deploy.share.compressed_table import CLEAN
from hnas.evaluation.benchmark import bicubic_result, evaluate_model

#: Of libjpeg, as pictures on the web and from cameras have it.
QUALITIES = (95, 75, 50, 30)


def is_for_jpegs(provenance: Mapping[str, Any]) -> bool:
    """Whether a model's training had small pictures that were compressed."""
    return any(step.name == "jpeg" for step in read_degradation(str(provenance.get("degradation") or "")))


def when_compressed(model: nn.Module, pairs: Sequence[Pair], scale: int) -> dict[str, dict[str, float]]:
    """PSNR on Y in dB of a model and of bicubic interpolation, by how the small pictures were compressed.

    Args:
        model: to measure.
        pairs: clean ones.
        scale: of both; at scale 1 there is no clean row, as nothing is to be done there.
    """
    rows = {CLEAN: ""} if scale > 1 else {}
    rows |= {str(quality): f"jpeg:{quality}" for quality in QUALITIES}
    found = {}
    for name, degradation in rows.items():
        measured = as_degraded(pairs, degradation, seed=0)
        found[name] = {
            "psnr": evaluate_model(model, measured, scale=scale).psnr,
            "bicubic": bicubic_result(measured, scale).psnr,
        }
    return found
