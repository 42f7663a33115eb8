"""By how much models are ahead of bicubic interpolation, from the objects of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hnas.evaluation.benchmark import BICUBIC_NAMES

#: As the networks are measured: on 8-bit RGB. A demo measures bicubic in this way alone, without a word for it.
REFERENCES = ("bicubic", BICUBIC_NAMES["uint8"])


def is_bicubic(row: Mapping[str, Any]) -> bool:
    """Whether a row is that of bicubic interpolation, however rounded."""
    return str(row["model"]).startswith("bicubic")


def gains_over_bicubic(rows: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """dB of each row over bicubic interpolation on the same set at the same scale.

    Args:
        rows: of :func:`hnas.evaluation.table.as_objects`.

    Returns:
        A number for each; None for bicubic itself, and where one of the two was not measured or is an exact copy.
    """
    bicubic = {(row["dataset"], row.get("scale")): row["psnr"] for row in rows if row["model"] in REFERENCES}
    gains = []
    for row in rows:
        reference = bicubic.get((row["dataset"], row.get("scale")))
        known = reference and row["psnr"] and not is_bicubic(row)
        gains.append(row["psnr"] - reference if known else None)
    return gains
