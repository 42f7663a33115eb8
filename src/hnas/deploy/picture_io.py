"""Pictures as people have them: gray or colour, with transparency, 8 or 16 bits, turned, in any of five formats.

Reading gives upright planes ready to enlarge; writing gives back what was read: depth, profile and metadata.
(`hnas.data.pictures` is the plain reader for training and evaluation: 8-bit RGB and nothing else.)
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from hnas.deploy.metadata import Metadata, png_chunks, read_metadata, save_options
from hnas.errors import HnasError
from hnas.extras import need

#: Suffixes that are read and written, and their formats.
FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip
#: More pixels than this are refused before anything is decoded; the same number where Pillow sees a bomb.
MAX_PIXELS = 178_956_970
_LARGEST_SIDE = {"JPEG": 65_535, "WEBP": 16_383}
_ALLOWED = "PNG, JPEG, WebP, TIFF or BMP"
_CANNOT = {
    "F": "32-bit floating point", "I": "32-bit whole numbers", "LAB": "Lab colour", "HSV": "HSV colour",
}  # fmt: skip
#: What decoders raise for damaged files: Pillow's plugins, zlib and libtiff do not agree on one type.
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError)


@dataclass(frozen=True)
class Picture:
    """An upright picture.

    Attributes:
        pixels: uint8 or uint16, (H, W) gray or (H, W, 3) RGB.
        alpha: the opacity, (H, W) of the same type, or None for an opaque picture.
        metadata: what the file carries besides.
        notes: what reading had to change, in words, for the person to see.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()


def open_picture(source: Path | bytes, name: str | None = None) -> Picture:
    """Reads a PNG, JPEG, WebP, TIFF or BMP.

    EXIF orientation is applied, palettes become RGB, CMYK becomes sRGB, 16-bit pictures stay 16-bit.

    Args:
        source: a file, or its bytes.
        name: what errors call it; the file's path by default.

    Raises:
        HnasError: the file is missing, empty, truncated, no picture, too large, or of a kind that is not handled.
    """
    name = name or (str(source) if isinstance(source, Path) else "standard input")
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size == 0:
            raise HnasError(f"{name}: the file is empty; a {_ALLOWED} picture is needed")
        stream = source.open("rb") if isinstance(source, Path) else io.BytesIO(source)
    except OSError as error:
        raise HnasError(f"{name}: {error.strerror}; give a {_ALLOWED} picture or a folder of them") from error
    with stream, _decoding(name):
        image = Image.open(stream, formats=sorted(set(FORMATS.values())))
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError(f"{image.width}x{image.height} pixels")
        if _bits(stream, image) == 16:
            return _open_16_bit(stream, image, name)
        return _open_8_bit(image, name)


@contextmanager
def _decoding(name: str) -> Iterator[None]:
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
        raise HnasError(f"{name}: not a picture that can be read; allowed are {_ALLOWED} files") from error
    except MemoryError as error:
        raise HnasError(f"{name}: not enough memory to decode it") from error
    except _DECODING_ERRORS as error:
        raise HnasError(f"{name}: damaged or truncated ({error or type(error).__name__})") from error


def _bits(stream: BinaryIO, image: Image.Image) -> int:
    """Bits per value as the file has them; Pillow itself would cut 16-bit colour down to 8."""
    if image.format == "PNG":
        place = stream.tell()
        stream.seek(24)
        depth = stream.read(1)[0]
        stream.seek(place)
        return depth
    if image.format == "TIFF":
        bits: tuple[int, ...] = image.tag_v2.get(258, (1,))  # type: ignore[attr-defined]
        return max(bits)
    return 8


def _open_8_bit(image: Image.Image, name: str) -> Picture:
    image.load()
    notes = []
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # phones put previews into MPO files
        notes.append(f"only the first of its {image.n_frames} pictures is enlarged")  # type: ignore[attr-defined]
    metadata, orientation = read_metadata(image)
    if image.mode in _CANNOT:
        raise HnasError(f"{name}: {_CANNOT[image.mode]} is not handled; save it as 8-bit or 16-bit gray or RGB")
    if image.mode == "CMYK":
        image, metadata = _from_cmyk(image, metadata)
        notes.append("converted from CMYK to sRGB")
    image = _plain_mode(image)
    array = _upright(np.asarray(image), orientation)
    if image.mode == "RGBA":
        return Picture(array[..., :3], array[..., 3], metadata, tuple(notes))
    if image.mode == "LA":
        return Picture(array[..., 0], array[..., 1], metadata, tuple(notes))
    return Picture(array, None, metadata, tuple(notes))


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


def _open_16_bit(stream: BinaryIO, image: Image.Image, name: str) -> Picture:
    metadata, orientation = read_metadata(image)
    stream.seek(0)
    if image.format == "PNG":
        imagecodecs = need("imagecodecs")

        try:
            array = imagecodecs.png_decode(stream.read())
        except RuntimeError as error:  # PngError is one
            raise HnasError(f"{name}: damaged or truncated ({error})") from error
        inverted = premultiplied = False
    else:
        array, inverted, premultiplied = _read_tiff(stream, name)
    array = np.ascontiguousarray(_upright(array, orientation))
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype != np.uint16 or channels not in (1, 2, 3, 4):
        raise HnasError(f"{name}: {array.dtype} with {channels} channels; allowed are 16-bit gray and RGB")
    if inverted:
        array = 65_535 - array
    if channels in (1, 3):
        return Picture(array[..., 0] if array.ndim == 3 and channels == 1 else array, None, metadata)
    pixels, alpha = array[..., :-1], array[..., -1]
    if premultiplied:
        pixels = np.minimum(np.rint(pixels * (65_535 / np.maximum(alpha, 1)[..., None])), 65_535).astype(np.uint16)
    return Picture(pixels if channels == 4 else pixels[..., 0], alpha, metadata)


def _read_tiff(stream: BinaryIO, name: str) -> tuple[NDArray[Any], bool, bool]:
    """The first page; whether white is zero; whether colours are multiplied by the opacity."""
    tifffile = need("tifffile")

    try:
        page = tifffile.TiffFile(stream).pages.first
        array = page.asarray()
    except (tifffile.TiffFileError, RuntimeError, *_DECODING_ERRORS) as error:
        raise HnasError(f"{name}: damaged, truncated or in a coding that is not handled ({error})") from error
    meaning = tifffile.PHOTOMETRIC(page.photometric).name
    if meaning not in ("MINISBLACK", "MINISWHITE", "RGB"):
        raise HnasError(f"{name}: 16-bit {meaning} is not handled; save it as 16-bit gray or RGB")
    if page.axes.startswith("S"):  # one plane after the other
        array = np.moveaxis(array, 0, -1)
    premultiplied = tifffile.EXTRASAMPLE.ASSOCALPHA in page.extrasamples
    return array, meaning == "MINISWHITE", premultiplied


def _upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Applies the EXIF orientation (TIFF 6.0, tag 274)."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


def losses(picture: Picture, format: str) -> tuple[str, ...]:
    """What a format cannot hold of a picture, in words."""
    lost = []
    if picture.pixels.dtype == np.uint16 and format not in ("PNG", "TIFF"):
        lost.append(f"{format} holds 8 bits: rounded from 16")
    if picture.alpha is not None and format == "JPEG":
        lost.append("JPEG holds no transparency: laid on white")
    if format == "BMP" and (picture.metadata.icc_profile or picture.metadata.xmp or picture.metadata.tags):
        lost.append("BMP holds no profile or metadata")
    return tuple(lost)


def save_picture(stream: BinaryIO, picture: Picture, format: str, *, quality: int = 95) -> None:
    """Writes a picture; what the format cannot hold is converted (:func:`losses` says what).

    Args:
        stream: open for writing, binary.
        picture: what to write.
        format: one of the values of :data:`FORMATS`.
        quality: of JPEG and WebP, 1 to 100; WebP is lossless at 100.

    Raises:
        HnasError: the format has no room for so large a picture.
    """
    height, width = picture.pixels.shape[:2]
    if max(height, width) > _LARGEST_SIDE.get(format, 2**31 - 1):
        most = _LARGEST_SIDE[format]
        raise HnasError(f"{width}x{height} is too large for {format} (at most {most} a side); use --ext png")
    if picture.pixels.dtype == np.uint16 and format in ("PNG", "TIFF"):
        _save_16_bit(stream, picture, format)
        return
    options = save_options(picture.metadata, format, width, height)
    if format == "JPEG":
        options |= {"quality": quality, "subsampling": 0, "optimize": True}
    elif format == "WEBP":
        options |= {"quality": quality, "lossless": quality == 100, "exact": True}
    _to_pillow(picture, format).save(stream, format, **options)


def _to_pillow(picture: Picture, format: str) -> Image.Image:
    image = Image.fromarray(_to_8_bit(picture.pixels))
    if picture.alpha is None:
        return image
    opacity = Image.fromarray(_to_8_bit(picture.alpha))
    if format == "JPEG":
        white = Image.new(image.mode, image.size, "white")
        return Image.composite(image, white, opacity)
    if image.mode == "L" and format != "BMP":
        return Image.merge("LA", (image, opacity))
    image = image.convert("RGB")
    image.putalpha(opacity)
    return image


def _to_8_bit(plane: NDArray[Any]) -> NDArray[np.uint8]:
    plane = np.ascontiguousarray(plane)
    if plane.dtype == np.uint8:
        return plane
    return ((plane.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _save_16_bit(stream: BinaryIO, picture: Picture, format: str) -> None:
    """Pillow writes no 16-bit colour: PNG through imagecodecs, TIFF through tifffile."""
    array = picture.pixels
    if picture.alpha is not None and array.ndim == 2 and format == "TIFF":
        array = np.dstack([array] * 3)  # few readers know gray with opacity in a TIFF
    if picture.alpha is not None:
        array = np.dstack([array, picture.alpha])
    height, width = array.shape[:2]
    metadata = picture.metadata
    if format == "PNG":
        imagecodecs = need("imagecodecs")

        data = imagecodecs.png_encode(np.ascontiguousarray(array))
        header = 8 + 12 + 13  # the signature and the IHDR chunk
        stream.write(data[:header] + png_chunks(metadata, width, height) + data[header:])
        return
    tifffile = need("tifffile")

    text = {code: value for code, value in metadata.tags.items() if isinstance(value, str) and value.isascii()}
    tags = [(code, 2, 0, value, True) for code, value in text.items()]
    if metadata.xmp:
        tags.append((700, 1, len(metadata.xmp), metadata.xmp, True))  # type: ignore[arg-type]
    tifffile.imwrite(
        stream,
        array,
        photometric="rgb" if array.ndim == 3 else "minisblack",
        planarconfig="contig" if array.ndim == 3 else None,
        extrasamples=["unassalpha"] if picture.alpha is not None else None,
        compression="zlib",
        iccprofile=metadata.icc_profile or None,
        resolution=metadata.dpi,
        resolutionunit="inch" if metadata.dpi else None,
        metadata=None,
        software=False,
        extratags=tags,
    )
