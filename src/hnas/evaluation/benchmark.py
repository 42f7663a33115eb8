"""A model, or plain bicubic interpolation, measured on a set of pictures by the protocol of the field.

The protocol: the output is rounded and clipped to 8 bits, Y of BT.601 (16..235) is taken of it and of the original,
`scale` pixels are cut off on every side (none at scale 1); PSNR and SSIM are averaged over the pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from hnas.data.folders import Pair
from hnas.data.pictures import Pixels
from hnas.data.resize import imresize
from hnas.data.tensors import as_bytes, as_floats
from hnas.errors import HnasError
from hnas.evaluation import metrics
from hnas.evaluation.self_ensemble import self_ensemble as run_self_ensemble

BicubicPath = Literal["float", "uint8"]
#: How the two ways of measuring bicubic interpolation are named in every output.
BICUBIC_NAMES: dict[BicubicPath, str] = {
    "float": "bicubic (Y, float LR)",
    "uint8": "bicubic (RGB, 8-bit LR)",
}


@dataclass(frozen=True)
class PictureResult:
    """One picture: PSNR in dB and SSIM on Y, single pass and, where asked for, with x8 self-ensemble; LPIPS."""

    name: str
    psnr: float
    ssim: float
    psnr_x8: float | None = None
    ssim_x8: float | None = None
    lpips: float | None = None


@dataclass(frozen=True)
class BenchmarkResult:
    """A set of pictures; each figure is the mean over them, None where it was not measured."""

    pictures: tuple[PictureResult, ...]

    @property
    def psnr(self) -> float:
        """dB on Y, single pass."""
        return math.fsum(picture.psnr for picture in self.pictures) / len(self.pictures)

    @property
    def ssim(self) -> float:
        """On Y, single pass."""
        return math.fsum(picture.ssim for picture in self.pictures) / len(self.pictures)

    @property
    def psnr_x8(self) -> float | None:
        """dB on Y, self-ensemble."""
        return _mean(picture.psnr_x8 for picture in self.pictures)

    @property
    def ssim_x8(self) -> float | None:
        """On Y, self-ensemble."""
        return _mean(picture.ssim_x8 for picture in self.pictures)

    @property
    def lpips(self) -> float | None:
        """On RGB, single pass; lower is better."""
        return _mean(picture.lpips for picture in self.pictures)


def evaluate_model(
    model: nn.Module,
    pairs: Sequence[Pair],
    *,
    scale: int,
    self_ensemble: bool = False,
    device: str | torch.device = "cpu",
    distance: Callable[[Pixels, Pixels], float] | None = None,
    on_picture: Callable[[PictureResult, Pixels], None] | None = None,
) -> BenchmarkResult:
    """Measures a model; it is moved to the device, put into evaluation mode and given back in the mode it had.

    Args:
        model: N x 3 x H x W RGB in [0, 1] -> N x 3 x sH x sW; its `scale`, where it has one, must be this one.
        pairs: at least one; every `hr` at least 11 + 2 * scale pixels a side.
        scale: 2, 3 or 4; 1 for networks that restore.
        self_ensemble: also measure the mean over the eight flips and turns.
        device: where the model runs.
        distance: also measure this on the single pass and the original (LPIPS).
        on_picture: called after each picture with its figures and the 8-bit output of the single pass.

    Raises:
        HnasError: no pictures, a picture that is too small, a model of another scale or with output that is not finite.
    """
    if getattr(model, "scale", scale) != scale:
        raise HnasError(f"the model enlarges {model.scale} times; it cannot be measured at scale {scale}")
    was_training = model.training
    model.to(device).eval()

    def enlarge(pair: Pair) -> tuple[Pixels, dict[str, Any]]:
        x = as_floats(np.array(pair.lr)[None], device)
        with torch.inference_mode():
            sr = _as_picture(model(x), pair)
            figures = measure(sr, pair.hr, scale)
            if self_ensemble:
                both = measure(_as_picture(run_self_ensemble(model, x), pair), pair.hr, scale)
                figures |= {f"{name}_x8": value for name, value in both.items()}
        if distance:
            figures["lpips"] = distance(sr, pair.hr)
        return sr, figures

    try:
        return _over(pairs, enlarge, scale=scale, on_picture=on_picture)
    finally:
        model.train(was_training)


def enlarge_picture(model: nn.Module, pair: Pair, *, device: torch.device | str = "cpu") -> Pixels:
    """The 8-bit picture that a model makes of a pair's small one; it must be on the device and in evaluation mode.

    Raises:
        HnasError: output of another size than the pair's large picture, or that is not finite.
    """
    with torch.inference_mode():
        return _as_picture(model(as_floats(np.array(pair.lr)[None], device)), pair)


def bicubic_result(
    pairs: Sequence[Pair],
    scale: int,
    path: BicubicPath = "uint8",
    *,
    distance: Callable[[Pixels, Pixels], float] | None = None,
    on_picture: Callable[[PictureResult, Pixels], None] | None = None,
) -> BenchmarkResult:
    """Measures bicubic interpolation in one of the two ways in use, which differ by up to 0.1 dB.

    `"float"` gives the rows that papers print: the original's Y (8 bits; gray pictures as they are) is shrunk and
    enlarged without rounding in between. `"uint8"` gives what a network has to beat: the 8-bit RGB pictures that a
    network is given are enlarged and judged as a network's output is; at scale 1 they are judged as they are.
    `distance` and `on_picture` get the 8-bit RGB output in both.

    Raises:
        HnasError: no pictures, or one that is too small.
    """

    def enlarge(pair: Pair) -> tuple[Pixels, dict[str, Any]]:
        sr = pair.lr if scale == 1 else imresize(pair.lr, scale)
        figures: dict[str, Any] = measure(sr, pair.hr, scale) if path == "uint8" else _float_figures(pair, scale)
        if distance:
            figures["lpips"] = distance(sr, pair.hr)
        return sr, figures

    return _over(pairs, enlarge, scale=scale, on_picture=on_picture)


def measure(sr: Pixels, hr: Pixels, scale: int) -> dict[str, float]:
    """PSNR and SSIM on Y of one 8-bit output."""
    border = border_of(scale)
    return {"psnr": metrics.psnr_y(sr, hr, border), "ssim": metrics.ssim_y(sr, hr, border)}


def border_of(scale: int) -> int:
    """Pixels that are cut off on every side; where pictures are restored at their own size the field cuts none."""
    return 0 if scale == 1 else scale


def _float_figures(pair: Pair, scale: int) -> dict[str, float]:
    y = pair.hr[:, :, 0].astype(np.float64) if pair.gray else np.round(metrics.luma(pair.hr))
    back = imresize(imresize(y, Fraction(1, scale)), scale)
    crop = (slice(scale, -scale), slice(scale, -scale))
    sr, hr = np.floor(back + 0.5).clip(0, 255)[crop], y[crop]
    return {"psnr": metrics.psnr(sr, hr), "ssim": metrics.ssim(sr, hr)}


def _over(
    pairs: Sequence[Pair],
    enlarge: Callable[[Pair], tuple[Pixels, dict[str, Any]]],
    *,
    scale: int,
    on_picture: Callable[[PictureResult, Pixels], None] | None,
) -> BenchmarkResult:
    if not pairs:
        raise HnasError("there are no pictures to measure on")
    smallest = metrics.WINDOW + 2 * border_of(scale)
    results = []
    for pair in pairs:
        height, width = pair.hr.shape[:2]
        if min(height, width) < smallest:
            raise HnasError(f"{pair.name} has {width}x{height} pixels; at least {smallest} a side can be measured")
        sr, figures = enlarge(pair)
        results.append(PictureResult(pair.name, **figures))
        if on_picture:
            on_picture(results[-1], sr)
    return BenchmarkResult(tuple(results))


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _as_picture(output: Tensor, pair: Pair) -> Pixels:
    if output.shape != (1, 3, *pair.hr.shape[:2]):
        raise HnasError(f"{pair.name}: the model gives the shape {tuple(output.shape)} for {pair.hr.shape}")
    if not output.isfinite().all():
        raise HnasError(f"{pair.name}: the model's output has values that are not finite; train it again")
    picture: Pixels = as_bytes(output)[0].cpu().numpy()
    return picture
