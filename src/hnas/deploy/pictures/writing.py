"""Writing a picture, with all that it carries and its format can hold."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hnas.deploy.pictures.directories import put_into_tiff
from hnas.deploy.pictures.formats import PictureFormat
from hnas.deploy.pictures.losses import fitted, written_gray
from hnas.deploy.pictures.metadata_writing import png_chunks, save_options
from hnas.deploy.pictures.picture import Picture
from hnas.errors import HnasError
from hnas.extras import need

#: The signature of a PNG and its IHDR chunk.
_PNG_HEADER = 8 + 12 + 13
#: Opacity from which on a pixel is opaque where there is nothing between.
_HALF = 128


def save_picture(stream: BinaryIO, picture: Picture, format: PictureFormat, *, quality: int = 95) -> None:
    """Writes a picture; what the format cannot hold is converted (:func:`hnas.deploy.pictures.losses.losses` says it).

    Args:
        stream: open for writing, binary.
        picture: what to write.
        format: of the file.
        quality: of formats that lose, 1 to 100; WebP is lossless at 100.

    Raises:
        HnasError: the format has no room for so large a picture.
    """
    height, width = picture.pixels.shape[:2]
    check_sides(width, height, format)
    picture = fitted(picture, format)
    if format.name == "TIFF":
        with _seekable(stream) as file:
            _save_pixels(file, picture, format, quality)
            put_into_tiff(file, picture.metadata, width, height)
    else:
        _save_pixels(stream, picture, format, quality)


@contextmanager
def _seekable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """The stream, or one in memory that is written to it at the end."""
    if stream.seekable() and stream.readable():
        yield stream
        return
    with io.BytesIO() as file:
        yield file
        stream.write(file.getbuffer())


def _save_pixels(stream: BinaryIO, picture: Picture, format: PictureFormat, quality: int) -> None:
    height, width = picture.pixels.shape[:2]
    if picture.pixels.dtype == np.uint16 and format.bits == 16:
        _SAVE_16_BITS[format.name](stream, picture, format)
        return
    image = to_pillow(picture, format)
    if format.name == "PNG":
        after_header = AfterHeader(stream, png_chunks(picture.metadata, format, width, height))
        image.save(after_header, "PNG")  # type: ignore[arg-type]  # `write` is all that it needs
        return
    options = save_options(picture.metadata, format, width, height) | coding(format, quality)
    image.save(stream, format.name, **options)


def check_sides(width: int, height: int, format: PictureFormat) -> None:
    """Raises HnasError where a format has no room for a picture of so many pixels."""
    if max(height, width) > format.largest_side:
        raise HnasError(
            f"{width}x{height} is too large for {format.name} (at most {format.largest_side} a side); use --ext png"
        )


def coding(format: PictureFormat, quality: int) -> dict[str, Any]:
    """Pillow's options of a format's coding at a quality."""
    if format.name == "JPEG":
        return {"quality": quality, "subsampling": 0, "optimize": True}
    if format.name == "TIFF":
        return {"compression": "tiff_adobe_deflate"}
    if format.name == "AVIF":
        return {"quality": quality, "subsampling": "4:4:4"}
    if format.name == "TGA":
        return {"compression": "tga_rle"}
    if format.name == "WEBP":
        return {"quality": quality, "lossless": quality == 100, "exact": True}
    return {}


class AfterHeader:
    """A stream of a PNG that puts chunks behind its header.

    Args:
        stream: where the PNG goes.
        chunks: whole chunks.
    """

    def __init__(self, stream: BinaryIO, chunks: bytes) -> None:
        self._stream, self._chunks, self._before = stream, chunks, _PNG_HEADER

    def write(self, data: bytes) -> int:
        """Writes as the stream does."""
        if not self._chunks or len(data) < self._before:
            self._before -= len(data)
            return self._stream.write(data)
        self._stream.write(data[: self._before])
        self._stream.write(self._chunks)
        self._stream.write(data[self._before :])
        self._chunks = b""
        return len(data)

    def flush(self) -> None:
        """Flushes as the stream does."""
        self._stream.flush()


def to_pillow(picture: Picture, format: PictureFormat) -> Image.Image:
    """The picture with 8 bits in the mode in which Pillow writes this format."""
    image = Image.fromarray(_to_8_bit(picture.pixels))
    if picture.alpha is None:
        return image
    opacity = Image.fromarray(_to_8_bit(picture.alpha))
    if "transparency" not in format.holds:
        white = Image.new(image.mode, image.size, "white")
        return Image.composite(image, white, opacity)
    if image.mode == "L" and written_gray(picture, format):
        return Image.merge("LA", (image, opacity))
    image = image.convert("RGB")
    if format.colours:  # opacity is one of them
        opacity = opacity.point(lambda value: 255 if value >= _HALF else 0)
    image.putalpha(opacity)
    return image


def _to_8_bit(plane: NDArray[Any]) -> NDArray[np.uint8]:
    plane = np.ascontiguousarray(plane)
    if plane.dtype == np.uint8:
        return plane
    return ((plane.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _joined(picture: Picture, format: PictureFormat) -> NDArray[Any]:
    """Colours and opacity in one array."""
    array = picture.pixels
    if array.ndim == 2 and not written_gray(picture, format):
        array = np.dstack([array] * 3)
    return array if picture.alpha is None else np.dstack([array, picture.alpha])


def _save_png(stream: BinaryIO, picture: Picture, format: PictureFormat) -> None:
    """Pillow writes no 16-bit colour."""
    imagecodecs = need("imagecodecs")

    array = _joined(picture, format)
    data = imagecodecs.png_encode(np.ascontiguousarray(array))
    chunks = png_chunks(picture.metadata, format, array.shape[1], array.shape[0])
    stream.write(data[:_PNG_HEADER] + chunks + data[_PNG_HEADER:])


def _save_tiff(stream: BinaryIO, picture: Picture, format: PictureFormat) -> None:
    """Pillow writes no 16-bit colour."""
    tifffile = need("tifffile")

    array, metadata = _joined(picture, format), picture.metadata
    tifffile.imwrite(
        stream,
        array,
        byteorder="<",
        photometric="rgb" if array.ndim == 3 and array.shape[2] >= 3 else "minisblack",
        planarconfig="contig" if array.ndim == 3 else None,
        extrasamples=["unassalpha"] if picture.alpha is not None else None,
        compression="zlib",
        iccprofile=metadata.icc_profile or None,
        resolution=metadata.dpi,
        resolutionunit="inch" if metadata.dpi else None,
        metadata=None,
        software=False,
    )


_SAVE_16_BITS = {"PNG": _save_png, "TIFF": _save_tiff}
