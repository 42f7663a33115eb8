"""Reading a picture: gray or colour, with transparency, 8 or 16 bits, turned, of any format that is read.

Reading gives upright planes ready to enlarge. (`hnas.data.pictures` is the plain reader for training and evaluation:
8-bit RGB and nothing else.)
"""

from __future__ import annotations

import io
import mimetypes
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from hnas.deploy.pictures.deep import jpeg_2000_bits, read_deep_jpeg_2000, read_deep_png
from hnas.deploy.pictures.formats import READ
from hnas.deploy.pictures.jpeg_quality import jpeg_quality
from hnas.deploy.pictures.jpeg_xl import is_jpeg_xl, read_header, read_jpeg_xl
from hnas.deploy.pictures.metadata import read_metadata
from hnas.deploy.pictures.opening import open_image
from hnas.deploy.pictures.picture import Metadata, Picture
from hnas.deploy.pictures.tiff import Page, choose_page, read_deep, read_pages
from hnas.errors import HnasError

#: More pixels than this are refused before anything is decoded; the same number where Pillow sees a bomb.
MAX_PIXELS = 178_956_970
#: The bytes of a file among which its header is looked for.
_HEAD = 1 << 16
_CANNOT = {
    "F": "32-bit floating point", "I": "32-bit whole numbers", "LAB": "Lab colour", "HSV": "HSV colour",
}  # fmt: skip
#: What decoders raise for damaged files: Pillow's plugins, zlib and libtiff do not agree on one type.
_DECODING_ERRORS = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, RuntimeError),
    struct.error,
)


def open_picture(source: Path | bytes, name: str | None = None) -> Picture:
    """Reads a picture of any format in :data:`~hnas.deploy.pictures.formats.FORMATS`.

    EXIF orientation is applied, palettes become RGB, CMYK becomes sRGB, 9 to 16 bits become 16 bits.

    Args:
        source: a file, a pipe with a name, or the bytes of a file.
        name: what errors call it; the file's path by default.

    Raises:
        HnasError: the file is missing, empty, truncated, no picture, too large, or of a kind that is not handled.
    """
    name = name or (str(source) if isinstance(source, Path) else "standard input")
    with open_source(source, name) as stream, decoding(name):
        pages = read_pages(stream)
        head = stream.read(_HEAD)
        stream.seek(0)
        if is_jpeg_xl(head):
            return _open_jpeg_xl(stream, head, name)
        try:
            image = open_image(stream, name)
        except UnidentifiedImageError:
            if pages:  # Pillow knows a TIFF by whether it handles its values
                page, notes = choose_page(pages, name)
                if page.depth <= 8:
                    raise HnasError(f"{name}: {page.samples} values a pixel in a {page.kind} are not handled") from None
                return _deep_tiff_alone(stream, page, notes, name)
            raise
        if image.format == "TIFF" and pages:
            return _open_tiff(stream, image, pages, name)
        check_size(image.width, image.height)
        if image.format == "PNG" and _png_bits(stream) == 16:
            return _open_deep_png(stream, image, name)
        if image.format == "JPEG2000" and (bits := jpeg_2000_bits(stream, name)) > 8:
            metadata, _ = read_metadata(stream, image)
            return Picture(*read_deep_jpeg_2000(stream, bits, name), metadata, _profile_note(image, head))
        notes = _frames_note(image) + _cut_note(image, head) + _profile_note(image, head)
        return _open_8_bit(stream, image, name, notes)


@contextmanager
def open_source(source: Path | bytes, name: str) -> Iterator[BinaryIO]:
    """A file, a pipe with a name, or bytes, as a stream with places.

    Raises:
        HnasError: it is missing, a folder, or empty.
    """
    try:
        if isinstance(source, Path) and not stat.S_ISREG(source.stat().st_mode):
            source = source.read_bytes()
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        stream = source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
    except OSError as error:
        raise HnasError(f"{name}: {error.strerror}; give a picture ({READ}) or a folder of them") from error
    with stream:
        if size == 0:
            raise HnasError(f"{name}: the file is empty; a picture ({READ}) is needed")
        yield stream


def check_size(width: int, height: int) -> None:
    """Refuses what would take all the memory before it is decoded; inside :func:`decoding`, in one line."""
    if width * height > MAX_PIXELS:
        raise Image.DecompressionBombError(f"{width}x{height} pixels")


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Turns what decoders raise into one line that names the file."""
    try:
        with warnings.catch_warnings():
            # The limit above decides about size, and a damaged file is told once, by its error.
            warnings.simplefilter("ignore")
            yield
    except HnasError:
        raise
    except Image.DecompressionBombError as error:
        raise HnasError(
            f"{name}: refused as a possible decompression bomb ({error}); at most {MAX_PIXELS:,} pixels are read"
        ) from error
    except UnidentifiedImageError as error:
        kind = mimetypes.guess_type(name)[0] or ""
        more = "; `hnas video` enlarges films" if kind.startswith("video/") else ""
        raise HnasError(f"{name}: not a picture that can be read; allowed are {READ} files{more}") from error
    except MemoryError as error:
        raise HnasError(f"{name}: not enough memory to decode it") from error
    except _DECODING_ERRORS as error:
        raise HnasError(f"{name}: damaged or truncated ({error or type(error).__name__})") from error


def _png_bits(stream: BinaryIO) -> int:
    """Bits per value as the file has them; Pillow itself would cut 16-bit colour down to 8."""
    place = stream.tell()
    stream.seek(24)
    depth = stream.read(1)[0]
    stream.seek(place)
    return depth


def _frames_note(image: Image.Image) -> tuple[str, ...]:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # phones put previews into MPO files
        return (f"only the first of its {frames} pictures is enlarged",)
    return ()


def _cut_note(image: Image.Image, head: bytes) -> tuple[str, ...]:
    """Says so where Pillow gives 8 bits of more."""
    bits = 8
    if image.format == "HEIF":
        bits = int(image.info.get("bit_depth", 8))
    elif image.format == "AVIF" and (place := head.find(b"av1C")) >= 0 and place + 6 < len(head):
        flags = head[place + 6]  # AV1-ISOBMFF, 2.3.3
        bits = (12 if flags & 0x20 else 10) if flags & 0x40 else 8
    return (f"its {bits} bits are read as 8",) if bits > 8 else ()


def _profile_note(image: Image.Image, head: bytes) -> tuple[str, ...]:
    """Says so where a JPEG 2000 has a profile (ISO/IEC 15444-1, I.5.3.3: method 2), which Pillow does not give."""
    has_one = image.format == "JPEG2000" and b"colr\x02" in head
    return ("its colour profile is not read",) if has_one else ()


def _open_jpeg_xl(stream: BinaryIO, head: bytes, name: str) -> Picture:
    header = read_header(head)
    check_size(header.width, header.height)
    pixels, alpha = read_jpeg_xl(stream, header, name)
    return Picture(pixels, alpha, notes=("its colour profile and metadata are not read",))


def _open_tiff(stream: BinaryIO, image: Image.Image, pages: list[Page], name: str) -> Picture:
    page, notes = choose_page(pages, name)
    check_size(page.width, page.height)
    image.seek(page.index)
    if page.depth <= 8:
        picture = _open_8_bit(stream, image, name, notes)
        return picture if page.has_alpha or not page.extra else replace(picture, alpha=None)
    metadata, orientation = read_metadata(stream, image)
    pixels, alpha = read_deep(stream, page, name)
    return _turned(Picture(pixels, alpha, metadata, notes), orientation)


def _deep_tiff_alone(stream: BinaryIO, page: Page, notes: tuple[str, ...], name: str) -> Picture:
    """A TIFF that Pillow does not open, so that what it carries besides the pixels is not read."""
    check_size(page.width, page.height)
    pixels, alpha = read_deep(stream, page, name)
    return Picture(pixels, alpha, notes=(*notes, "its metadata is not read"))


def _open_deep_png(stream: BinaryIO, image: Image.Image, name: str) -> Picture:
    notes = _frames_note(image)
    metadata, orientation = read_metadata(stream, image)
    pixels, alpha = read_deep_png(stream, name)
    return _turned(Picture(pixels, alpha, metadata, notes), orientation)


def _turned(picture: Picture, orientation: int) -> Picture:
    alpha = None if picture.alpha is None else _upright(picture.alpha, orientation)
    return replace(picture, pixels=_upright(picture.pixels, orientation), alpha=alpha)


def _open_8_bit(stream: BinaryIO, image: Image.Image, name: str, notes: tuple[str, ...]) -> Picture:
    quality = jpeg_quality(image)
    image.load()
    metadata, orientation = read_metadata(stream, image)
    if image.mode in _CANNOT:
        raise HnasError(f"{name}: {_CANNOT[image.mode]} is not handled; save it as 8-bit or 16-bit gray or RGB")
    if image.mode == "CMYK":
        image, metadata = _from_cmyk(image, metadata)
        notes += ("converted from CMYK to sRGB",)
    pixels, alpha = planes(image)
    return _turned(Picture(pixels, alpha, metadata, notes, quality), orientation)


def planes(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Pixels, (H, W) or (H, W, 3), and opacity of a picture of 8 bits in one of Pillow's modes."""
    image = _plain_mode(image)
    array = np.asarray(image)
    if image.mode == "RGBA":
        return array[..., :3], array[..., 3]
    if image.mode == "LA":
        return array[..., 0], array[..., 1]
    return array, None


def _plain_mode(image: Image.Image) -> Image.Image:
    """The same picture as L, LA, RGB or RGBA."""
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image  # `convert` would copy it
    if image.mode in ("1", "L", "La", "LA"):
        mode = "L" if image.mode in ("1", "L") else "LA"
        return image.convert("LA" if "transparency" in image.info else mode)
    transparent = image.mode in ("PA", "RGBA", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if transparent else "RGB")


def _from_cmyk(image: Image.Image, metadata: Metadata) -> tuple[Image.Image, Metadata]:
    """By the file's own profile where it has one; the profile described CMYK, so it goes."""
    plain = replace(metadata, icc_profile=b"")
    if metadata.icc_profile:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(metadata.icc_profile))
            converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted, plain
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile: as if there were none
    return image.convert("RGB"), plain


def _upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Applies the EXIF orientation (TIFF 6.0, tag 274)."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array
