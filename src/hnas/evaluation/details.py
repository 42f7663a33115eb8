"""The same detail of pictures by several models: where they differ most, and what each reaches on the whole picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from torch import nn

from hnas.data.folders import Pair
from hnas.errors import HnasError
from hnas.evaluation.benchmark import PictureResult, bicubic_result, evaluate_model


@dataclass(frozen=True)
class Comparison:
    """The same detail of one picture by several models.

    Attributes:
        name: of the picture.
        hr: the original, uint8 H x W x 3.
        detail: left, top, width and height of the detail in pixels of the original.
        versions: name -> the whole enlarged picture (as ``hr``) and its PSNR in dB; shown in this order.
    """

    name: str
    hr: NDArray[np.uint8]
    detail: tuple[int, int, int, int]
    versions: Mapping[str, tuple[NDArray[np.uint8], float]]


def compare_details(
    models: Mapping[str, nn.Module | None],
    pairs: Sequence[Pair],
    *,
    scale: int,
    detail: int = 72,
    device: str = "cpu",
) -> list[Comparison]:
    """Enlarges pictures by every model, measures each whole one, and finds a detail to look at.

    The detail is where the models differ most from each other, so it favours none of them.

    Args:
        models: name -> model, or None for bicubic interpolation; in the order in which they are shown.
        pairs: pictures at this scale.
        scale: that of all models.
        detail: side of the detail, pixels of the original.
        device: where the models run.

    Returns:
        One for each picture.

    Raises:
        HnasError: no models or pictures, or a picture smaller than the detail.
    """
    if not models or not pairs:
        raise HnasError("give one or more models and pictures to look at")
    comparisons = []
    for pair in pairs:
        height, width = pair.hr.shape[:2]
        if min(height, width) < detail:
            raise HnasError(f"{pair.name}: {width}x{height} pixels, so no detail of {detail}; give a smaller --detail")
        versions = {name: _version(model, pair, scale, device) for name, model in models.items()}
        left, top = _where_they_differ([picture for picture, _ in versions.values()], pair.hr, detail)
        comparisons.append(Comparison(pair.name, pair.hr, (left, top, detail, detail), versions))
    return comparisons


def _version(model: nn.Module | None, pair: Pair, scale: int, device: str) -> tuple[NDArray[np.uint8], float]:
    outputs: list[NDArray[np.uint8]] = []

    def keep(_: PictureResult, sr: NDArray[np.uint8]) -> None:
        outputs.append(sr)

    if model is None:
        result = bicubic_result([pair], scale, "uint8", on_picture=keep)
    else:
        result = evaluate_model(model, [pair], scale=scale, device=device, on_picture=keep)
    return outputs[0], result.psnr


def _where_they_differ(pictures: Sequence[NDArray[np.uint8]], hr: NDArray[np.uint8], side: int) -> tuple[int, int]:
    """Left and top of the square with the largest variance between the pictures; with one, its largest error."""
    stack = np.stack([*pictures, hr][: max(len(pictures), 2)]).astype(np.float32).mean(axis=3)
    between = stack.var(axis=0)
    mean = ndimage.uniform_filter(between, side, mode="constant")
    half = side // 2
    inside = mean[half : mean.shape[0] - (side - half) + 1, half : mean.shape[1] - (side - half) + 1]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(left), int(top)
