"""One frame through the network: by its brightness alone where the network sees no more, else as RGB."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.video.film import Film

#: Layouts of planes that are taken apart: width and height of luma through those of chroma.
_SUBSAMPLING = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}
_FULL = 2
#: A change of colour that changes no brightness (ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B).
_COLOUR = np.array([0.114, 0, -0.299], np.float32)


def sees_brightness_alone(upscaler: Upscaler) -> bool:
    """Whether a network leaves colour at the same brightness as it is: what it adds, it adds to all three alike."""
    gray = np.random.default_rng(0).uniform(0.4, 0.6, (16, 16, 1)).astype(np.float32).repeat(3, 2)
    changed = upscaler.upscale(gray + _COLOUR) - upscaler.upscale(gray)
    return bool(np.abs(changed - _COLOUR).max() < 1e-5)


def planes_of(format: str) -> tuple[int, int] | None:
    """By how much chroma is smaller than luma, across and down, in a layout of planes; None for any other layout."""
    for name, factors in _SUBSAMPLING.items():
        if format in (f"yuv{name}p", f"yuvj{name}p", f"yuv{name}p10le", f"yuv{name}p12le"):
            return factors
    return None


def takes_planes(film: Film) -> bool:
    """Whether a film's frames can be enlarged plane by plane, without RGB."""
    factors = planes_of(film.format)
    return factors is not None and not (film.turn.transpose and factors[0] != factors[1])


def enlarged_planes(upscaler: Upscaler, frame: Any, film: Film, width: int, height: int) -> list[NDArray[Any]]:
    """Luma through the network and chroma by bicubic interpolation, upright and cut to a size.

    Args:
        upscaler: of a network that sees brightness alone.
        frame: of planes.
        film: that it belongs to.
        width: of the upright result, luma pixels.
        height: of the upright result, luma pixels.
    """
    factors = planes_of(film.format)
    assert factors is not None
    luma, *chroma = (_plane(plane, film.bits) for plane in frame.planes)
    spare = 16 - film.bits
    if film.bits > 8:
        luma = luma << spare
    large = upscaler.upscale(luma)
    if film.bits > 8:
        large = np.minimum((large.astype(np.uint32) + (1 << spare >> 1)) >> spare, (1 << film.bits) - 1)
    planes = [large.astype(luma.dtype)]
    scale = upscaler.scale
    for plane in chroma:
        # Chroma lies at the left of its pixels and halfway down (MPEG-2, H.264: type 0), in the result too.
        shift = (scale - 1) / (2 * scale) * (factors[0] - 1) / factors[0]
        planes.append(_bicubic(plane, scale, shift, film.bits))
    planes = [film.turn(plane) for plane in planes]
    across, down = factors
    sizes = [(height, width)] + [(-(-height // down), -(-width // across))] * 2
    return [plane[:rows, :columns] for plane, (rows, columns) in zip(planes, sizes, strict=True)]


def _plane(plane: Any, bits: int) -> NDArray[Any]:
    """A plane's values, without what its rows are padded with."""
    kind = np.uint8 if bits == 8 else np.uint16
    rows = np.frombuffer(plane, kind).reshape(plane.height, -1)
    return rows[:, : plane.width]


def _bicubic(plane: NDArray[Any], scale: int, shift: float, bits: int) -> NDArray[Any]:
    """A plane enlarged, with what lies so many of its pixels to the right of where it would lie."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, 0), (1, 1)), mode="edge")
    image = Image.fromarray(padded if bits == 8 else padded.astype(np.float32))
    box = (1 + shift, 0, 1 + width + shift, height)
    large = np.asarray(image.resize((width * scale, height * scale), Image.Resampling.BICUBIC, box=box))
    return large if bits == 8 else np.clip(np.rint(large), 0, (1 << bits) - 1).astype(np.uint16)


def enlarged_rgb(upscaler: Upscaler, frame: Any, film: Film, width: int, height: int) -> NDArray[Any]:
    """A frame through the network as RGB, upright and cut to a size: (height, width, 3), uint8 or uint16."""
    options: dict[str, Any] = {}
    if "rgb" not in film.format and "gbr" not in film.format:
        options = {"src_colorspace": film.matrix_used, "src_color_range": film.full_range or 1}
    deep = film.bits > 8
    pixels = frame.reformat(format="rgb48le" if deep else "rgb24", **options).to_ndarray()
    return film.turn(upscaler.upscale(pixels))[:height, :width]


def frame_of(values: list[NDArray[Any]] | NDArray[Any], film: Film, format: str) -> Any:
    """A frame to be coded, in a layout: of planes that are in it already, or of RGB."""
    if isinstance(values, list):
        height, width = values[0].shape
        frame = av.VideoFrame(width, height, film.format.replace("yuvj", "yuv"))  # the range is said apart
        for plane, array in zip(frame.planes, values, strict=True):
            _fill(plane, array)
        if frame.format.name != format:
            values_range = film.full_range or 1
            frame = frame.reformat(format=format, src_color_range=values_range, dst_color_range=values_range)
    else:
        deep = values.dtype == np.uint16
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(values), format="rgb48le" if deep else "rgb24")
        frame = frame.reformat(format=format, dst_colorspace=film.matrix_used, dst_color_range=film.full_range or 1)
    frame.colorspace, frame.color_range = film.matrix, film.full_range
    frame.color_primaries, frame.color_trc = film.primaries, film.transfer
    return frame


def _fill(plane: Any, array: NDArray[Any]) -> None:
    rows = np.zeros((array.shape[0], plane.line_size // array.itemsize), array.dtype)
    rows[:, : array.shape[1]] = array
    plane.update(rows)
