"""Pictures that move: every frame in, every frame out, each for as long as it was shown."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from hnas.data.png_size import refuse_hollow_png
from hnas.deploy.pictures.formats import PictureFormat
from hnas.deploy.pictures.losses import fitted
from hnas.deploy.pictures.metadata import read_metadata
from hnas.deploy.pictures.metadata_writing import png_chunks, save_options
from hnas.deploy.pictures.opening import open_image
from hnas.deploy.pictures.picture import Picture
from hnas.deploy.pictures.reading import MAX_PIXELS, check_size, decoding, open_source, planes
from hnas.deploy.pictures.writing import AfterHeader, check_sides, coding, to_pillow
from hnas.errors import HnasError

#: Frames of one file: at 25 a second, some minutes.
_MOST_FRAMES = 10_000
#: Formats whose pictures are shown one after the other; those of a TIFF or of an MPO lie side by side.
_MOVING = ("PNG", "GIF", "WEBP")


@dataclass(frozen=True)
class Animation:
    """Frames that are shown one after the other.

    Attributes:
        frames: pictures of one size, without metadata, 8 bits.
        durations: milliseconds for which each is shown.
        loop: how often they are shown in all, 0 for ever; None where the file does not say.
        still_first: whether the first is only for readers that show no animations (PNG).
        first: the first one with what the file carries.
    """

    frames: tuple[Picture, ...]
    durations: tuple[float, ...]
    loop: int | None
    still_first: bool
    first: Picture


def read_animation(source: Path | bytes, scale: int, name: str | None = None) -> Animation | None:
    """Reads a file of several pictures that are shown one after the other; None for any other file.

    Args:
        source: a file or its bytes.
        scale: by how much the frames will be enlarged, which bounds how many there may be.
        name: what errors call it.

    Raises:
        HnasError: it is damaged, or the enlarged frames would not fit into memory.
    """
    name = name or (str(source) if isinstance(source, Path) else "standard input")
    with open_source(source, name) as stream, decoding(name):
        try:
            image = open_image(stream, name)
        except UnidentifiedImageError:
            return None
        count = getattr(image, "n_frames", 1)
        if image.format not in _MOVING or count < 2:
            return None
        check_size(image.width, image.height)
        refuse_hollow_png(stream, name)
        if count > _MOST_FRAMES:
            raise HnasError(f"{name}: {count:,} frames; at most {_MOST_FRAMES:,} are read; --ext jpg takes the first")
        if count * image.width * image.height * scale**2 > MAX_PIXELS:
            raise HnasError(
                f"{name}: {count} frames of {image.width}x{image.height} are too many to be enlarged at once; at most "
                f"{MAX_PIXELS:,} pixels in all, enlarged; --ext jpg takes the first frame"
            )
        loop, still = image.info.get("loop"), bool(getattr(image, "default_image", False))
        metadata, _ = read_metadata(stream, image)
        frames, durations = [], []
        for index in range(count):
            image.seek(index)
            pixels, alpha = planes(image.convert("RGBA"))
            durations.append(float(image.info.get("duration", 0)))
            frames.append(Picture(pixels.copy(), None if alpha is None or alpha.min() == 255 else alpha.copy()))
    return Animation(tuple(frames), tuple(durations), loop, still, replace(frames[0], metadata=metadata))


def enlarged(animation: Animation, enlarge: Callable[[int, Picture], Picture]) -> Animation:
    """Each frame with its number through a function."""
    frames = tuple(enlarge(index, frame) for index, frame in enumerate(animation.frames))
    return replace(animation, frames=frames, first=replace(frames[0], metadata=animation.first.metadata))


def animation_losses(animation: Animation, format: PictureFormat) -> tuple[str, ...]:
    """What a format cannot hold of the times of frames, in words."""
    if format.name == "GIF" and any(duration % 10 for duration in animation.durations):
        return ("GIF holds times in hundredths of a second: rounded",)
    return ()


def save_animation(stream: BinaryIO, animation: Animation, format: PictureFormat, *, quality: int = 95) -> None:
    """Writes all frames; see :func:`hnas.deploy.pictures.writing.save_picture`."""
    height, width = animation.frames[0].pixels.shape[:2]
    check_sides(width, height, format)
    first = fitted(animation.first, format)
    clear = any(frame.alpha is not None for frame in animation.frames)
    images = [_image(frame, format, clear) for frame in animation.frames]
    durations: list[Any] = [round(duration) for duration in animation.durations]
    if format.name == "PNG" and animation.still_first:
        durations = durations[1:]
    options: dict[str, Any] = {"save_all": True, "append_images": images[1:], "duration": durations}
    if animation.loop is not None or format.name != "GIF":
        options["loop"] = animation.loop or 0
    if format.name == "PNG":
        options |= {"disposal": 1, "blend": 0, "default_image": animation.still_first}
        after_header = AfterHeader(stream, png_chunks(first.metadata, format, width, height))
        buffer = io.BytesIO()  # Pillow goes back in the files of animations
        images[0].save(buffer, "PNG", **options)
        after_header.write(buffer.getvalue())
        return
    if format.name == "GIF":
        options["disposal"] = 2
    images[0].save(
        stream, format.name, **options, **save_options(first.metadata, format, width, height), **coding(format, quality)
    )


def _image(frame: Picture, format: PictureFormat, clear: bool) -> Image.Image:
    if not clear:
        return to_pillow(frame, format)
    height, width = frame.pixels.shape[:2]
    alpha = np.full((height, width), 255, np.uint8) if frame.alpha is None else frame.alpha
    return to_pillow(replace(frame, alpha=alpha), format)
