"""What a picture file carries besides its pixels: ICC profile, EXIF, XMP, text, resolution."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.PngImagePlugin import PngInfo

#: What of a file's main directory describes the picture and not its storage (a TIFF keeps both in one place).
_DESCRIPTIVE = frozenset(
    {
        Base.ImageDescription, Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist, Base.HostComputer,
        Base.Copyright, Base.Rating, Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject,
    }
)  # fmt: skip
_XMP_TAG = 700
_XMP_TEXT = "XML:com.adobe.xmp"
#: The orientation is applied to the pixels, so nobody may apply it a second time.
_XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:="|>))[0-9]')


@dataclass(frozen=True)
class Metadata:
    """What a picture carries.

    Attributes:
        icc_profile: the colour profile, or empty.
        tags: descriptive EXIF tags, without storage, orientation and preview.
        camera: the EXIF directory of the camera's settings.
        position: the EXIF directory of the place (GPS).
        xmp: the XMP packet, or empty.
        text: a PNG's text chunks.
        dpi: pixels per inch, across and down.
    """

    icc_profile: bytes = b""
    tags: Mapping[int, Any] = field(default_factory=dict)
    camera: Mapping[int, Any] = field(default_factory=dict)
    position: Mapping[int, Any] = field(default_factory=dict)
    xmp: bytes = b""
    text: tuple[tuple[str, str], ...] = ()
    dpi: tuple[float, float] | None = None


def read_metadata(image: Image.Image) -> tuple[Metadata, int]:
    """What an opened picture carries, and its EXIF orientation (1 to 8, where 1 is upright)."""
    exif = image.getexif()
    orientation = exif.get(Base.Orientation, 1)
    text = {key: value for key, value in getattr(image, "text", {}).items() if key != _XMP_TEXT}
    metadata = Metadata(
        icc_profile=image.info.get("icc_profile") or b"",
        tags={tag: value for tag, value in exif.items() if tag in _DESCRIPTIVE},
        camera={tag: value for tag, value in exif.get_ifd(IFD.Exif).items() if tag != IFD.Interop},
        position=exif.get_ifd(IFD.GPSInfo),
        xmp=_XMP_ORIENTATION.sub(rb"\g<1>1", _xmp(image)),
        text=tuple((key, str(value)) for key, value in text.items()),
        dpi=_dpi(image),
    )
    return metadata, orientation if orientation in range(1, 9) else 1


def _xmp(image: Image.Image) -> bytes:
    packet = image.info.get("xmp") or image.info.get(_XMP_TEXT) or b""
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None


def save_options(metadata: Metadata, format: str, width: int, height: int) -> dict[str, Any]:
    """Pillow's options that write the metadata into a picture of this format and size (pixels)."""
    options: dict[str, Any] = {}
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    if format == "BMP":  # holds nothing else
        return options
    if metadata.icc_profile:
        options["icc_profile"] = metadata.icc_profile
    tags = dict(metadata.tags)
    if metadata.xmp and format == "TIFF":
        tags[_XMP_TAG] = metadata.xmp
    elif metadata.xmp and format != "PNG":
        options["xmp"] = metadata.xmp
    if tags or metadata.camera or metadata.position:
        options["exif"] = _exif_bytes(tags, metadata, width, height)
    if format == "PNG":
        options["pnginfo"] = _png_text(metadata)
    elif format == "TIFF" and not (metadata.camera or metadata.position):  # Pillow cannot compress beside directories
        options["compression"] = "tiff_adobe_deflate"
    return options


def _exif_bytes(tags: Mapping[int, Any], metadata: Metadata, width: int, height: int) -> bytes:
    exif = Image.Exif()
    exif.update(tags)
    sizes: dict[int, int] = {Base.ExifImageWidth: width, Base.ExifImageHeight: height}
    if metadata.camera:
        exif.get_ifd(IFD.Exif).update({tag: sizes.get(tag, value) for tag, value in metadata.camera.items()})
    if metadata.position:
        exif.get_ifd(IFD.GPSInfo).update(metadata.position)
    try:
        return exif.tobytes()
    except Exception:  # a camera's malformed tag raises anything from struct.error to AttributeError
        return b""


def _png_text(metadata: Metadata) -> PngInfo:
    info = PngInfo()
    for key, value in metadata.text:
        info.add_itxt(key, value)
    if metadata.xmp:
        info.add_itxt(_XMP_TEXT, metadata.xmp.decode("utf-8", "replace"))
    return info


def png_chunks(metadata: Metadata, width: int, height: int) -> bytes:
    """The chunks of a PNG that hold the metadata, to be put after its header (for writers that cannot)."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG", **save_options(metadata, "PNG", width, height))
    data, chunks, position = buffer.getvalue(), b"", 8
    while position < len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if data[position + 4 : position + 8] not in (b"IHDR", b"IDAT", b"IEND"):
            chunks += data[position:end]
        position = end
    return chunks
