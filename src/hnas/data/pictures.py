"""Reading and writing single pictures."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from hnas.errors import HnasError
from hnas.files import make_folder, write_atomically

Pixels = NDArray[np.uint8]
"""H x W x 3, RGB, 0..255."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM")
EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"})


class Header(NamedTuple):
    """Height and width in pixels (a camera's note of orientation not followed); whether the file has one channel."""

    height: int
    width: int
    gray: bool


def read_picture(path: str | Path) -> Pixels:
    """Reads a photograph for training or evaluation.

    Gray and palette pictures become RGB; a fully opaque alpha channel is dropped; a camera's note of orientation is
    followed.

    Returns:
        uint8, H x W x 3, RGB.

    Raises:
        HnasError: a file that is missing, empty, truncated or no picture; one that uint8 RGB cannot hold (more than 8
            bits a channel, transparency, CMYK, several frames); more than 179 megapixels.
    """
    path = Path(path)
    with _opened(path) as image:
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format != "MPO":  # a photograph with the camera's preview beside it
            raise HnasError(f"{path} holds {frames} pictures; save the one that is meant as a file of its own")
        if image.mode.startswith(("I", "F")) or ";16" in str(getattr(image, "tile", "")):
            raise HnasError(f"{path} has more than 8 bits a channel; convert it to 8 bits first")
        if image.mode not in ("1", "L", "P", "RGB", "LA", "PA", "RGBA"):
            raise HnasError(f"{path} has the colour mode {image.mode}; convert it to RGB or gray first")
        try:
            image.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise HnasError(f"{path} is damaged or truncated ({error}); replace the file") from error
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            if upright.getchannel("A").getextrema() != (255, 255):
                raise HnasError(f"{path} has transparent pixels; put it on a background first")
        return np.array(upright.convert("RGB"))


def read_header(path: str | Path) -> Header:
    """What a picture's file says before it is decoded.

    Raises:
        HnasError: a file that is missing, empty or no picture; more than 179 megapixels.
    """
    with _opened(Path(path)) as image:
        return Header(image.height, image.width, image.mode in ("1", "L"))


def _opened(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow warns at half the size that it refuses.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(path, formats=FORMATS)
    except FileNotFoundError:
        raise HnasError(f"{path} does not exist") from None
    except Image.DecompressionBombError as error:
        raise HnasError(f"{path} is too large: pictures of up to 179 megapixels are read") from error
    except UnidentifiedImageError as error:
        what = "is empty" if path.stat().st_size == 0 else "is not a picture"
        raise HnasError(f"{path} {what}; readable are {', '.join(FORMATS)}") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise HnasError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def write_picture(path: str | Path, picture: Pixels) -> None:
    """Writes a picture in the format that the file's name ends in: whole, or not at all. Missing folders are made.

    PNG, BMP, TIFF, PPM and WebP are written without loss, JPEG at quality 95.

    Args:
        picture: uint8, H x W x 3 (RGB) or H x W (gray).

    Raises:
        HnasError: another ending, type or shape; a folder or disk that does not take the file.
    """
    path = Path(path)
    if path.suffix.lower() not in EXTENSIONS:
        raise HnasError(f"{path}: pictures are written as {', '.join(sorted(EXTENSIONS))}")
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (3,)):
        raise HnasError(
            f"{path}: a picture is uint8 of the shape H x W x 3 or H x W, not {picture.dtype} of {picture.shape}"
        )
    encoded = io.BytesIO()
    Image.fromarray(picture).save(
        encoded, Image.registered_extensions()[path.suffix.lower()], quality=95, lossless=True
    )
    make_folder(path.parent)
    write_atomically(path, encoded.getvalue())
