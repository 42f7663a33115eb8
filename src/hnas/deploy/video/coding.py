"""The encoder: which one, with which layout of values, and how it is set."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.video.film import Film
from hnas.deploy.video.pictures import planes_of, sees_brightness_alone, takes_planes
from hnas.deploy.video.settings import VideoSettings, container_of
from hnas.errors import HnasError

#: The usual layouts, from which one that an encoder takes is chosen.
_EIGHT, _TEN = "yuv420p", "yuv420p10le"


@dataclass(frozen=True)
class Coding:
    """How the frames of one film become those of another.

    Attributes:
        codec: FFmpeg's name of the encoder.
        format: the layout of values that it gets.
        width, height: of the enlarged upright frames, pixels.
        by_planes: whether luma goes through the network by itself.
        pixel_aspect: width of a pixel through its height.
        notes: what is different in the enlarged film, in words.
    """

    codec: str
    format: str
    width: int
    height: int
    by_planes: bool
    pixel_aspect: Fraction | None
    notes: tuple[str, ...] = ()


def choose_coding(upscaler: Upscaler, film: Film, target: Path, settings: VideoSettings) -> Coding:
    """The container's codec, and the film's own layout of values where that encoder takes it.

    Raises:
        HnasError: there is no such encoder.
    """
    container = container_of(target)
    codec = settings.codec or (container.deep_codec if film.bits > 8 else container.codec)
    try:
        taken = [each.name for each in av.codec.Codec(codec, "w").video_formats or ()]
    except ValueError as error:  # PyAV's UnknownCodecError is one
        raise HnasError(f"there is no encoder {codec!r} in this FFmpeg; libx264 and libx265 are usual") from error
    notes = []
    wanted = film.format.replace("yuvj", "yuv")
    if planes_of(wanted) is None:
        wanted = _TEN if film.bits > 8 else _EIGHT
    if film.turn.transpose and "422" in wanted:
        wanted = wanted.replace("422", "420")
    format = wanted if wanted in taken else _TEN if film.bits > 8 and _TEN in taken else _EIGHT
    if film.bits > 8 and format == _EIGHT:
        notes.append(f"{codec} takes 8 bits: rounded from {film.bits}")
    across, down = planes_of(format) or (1, 1)
    width, height = film.width * upscaler.scale, film.height * upscaler.scale
    if film.turn.transpose:
        width, height = height, width
    cut_width, cut_height = width // across * across, height // down * down
    if (cut_width, cut_height) != (width, height):
        notes.append(f"the last row or column of {width}x{height} is cut off, since chroma is shared by two pixels")
    aspect = film.pixel_aspect
    return Coding(
        codec,
        format,
        cut_width,
        cut_height,
        takes_planes(film) and sees_brightness_alone(upscaler),
        1 / aspect if aspect and film.turn.transpose else aspect,
        tuple(notes),
    )


def add_encoder(output: Any, coding: Coding, film: Film, time_base: Fraction, settings: VideoSettings) -> Any:
    """A video stream that encodes."""
    stream = output.add_stream(coding.codec, rate=film.rate)
    context = stream.codec_context
    stream.width, stream.height, stream.pix_fmt = coding.width, coding.height, coding.format
    context.time_base = time_base
    context.colorspace, context.color_primaries = film.matrix, film.primaries
    context.color_trc, context.color_range = film.transfer, film.full_range
    if coding.pixel_aspect:
        context.sample_aspect_ratio = coding.pixel_aspect
    context.max_b_frames = 0  # in order of time, segments can be joined packet by packet
    options = {"crf": str(settings.crf), "preset": settings.preset}
    if coding.codec.startswith("libvpx"):
        context.bit_rate = 0  # constant quality
        options |= {"deadline": "good", "cpu-used": "2", "auto-alt-ref": "0"}
    if coding.codec == "libx265":
        options["x265-params"] = "log-level=error:bframes=0"
    known = {option.name for option in context.supported_options.private}
    stream.options = {name: value for name, value in options.items() if name in known}
    return stream
