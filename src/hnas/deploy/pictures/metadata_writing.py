"""Writing what a picture carries besides its pixels, as each format keeps it."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from hnas.deploy.pictures.formats import PictureFormat
from hnas.deploy.pictures.metadata import IPTC_RESOURCE, IPTC_TAG, XMP_TEXT
from hnas.deploy.pictures.picture import Metadata

_XMP_TAG = 700
#: A JPEG's segment holds so many bytes after its length.
_SEGMENT = 65_533


def save_options(metadata: Metadata, format: PictureFormat, width: int, height: int) -> dict[str, Any]:
    """Pillow's options that write the metadata into a picture of this size (pixels); those of a PNG are chunks."""
    options: dict[str, Any] = {}
    holds = format.holds
    if metadata.dpi and "resolution" in holds:
        options["dpi"] = metadata.dpi
    if metadata.icc_profile and "profile" in holds:
        options["icc_profile"] = metadata.icc_profile
    tags = dict(metadata.tags)
    if format.name == "TIFF":
        if metadata.xmp:
            tags[_XMP_TAG] = metadata.xmp
        if metadata.iptc:
            tags[IPTC_TAG] = metadata.iptc
    elif metadata.xmp and "xmp" in holds and format.name != "PNG":
        options["xmp"] = metadata.xmp
    if (tags or metadata.camera or metadata.position) and "exif" in holds:
        options["exif"] = _exif_bytes(tags, metadata, width, height)
    if metadata.comment and "comment" in holds and format.name != "PNG":
        options["comment"] = metadata.comment
    if format.name == "PNG":
        options["pnginfo"] = _png_text(metadata)
    elif format.name == "JPEG" and metadata.iptc:
        options["extra"] = _iptc_segment(metadata.iptc)
    elif format.name == "TIFF" and not (metadata.camera or metadata.position):
        options["compression"] = "tiff_adobe_deflate"  # Pillow cannot compress beside directories
    return options


def _sized(directory: Mapping[int, Any], width: int, height: int) -> dict[int, Any]:
    """The camera's directory with the size that the picture has."""
    sizes: dict[int, int] = {Base.ExifImageWidth: width, Base.ExifImageHeight: height}
    return {tag: sizes.get(tag, value) for tag, value in directory.items()}


def _exif_bytes(tags: Mapping[int, Any], metadata: Metadata, width: int, height: int) -> bytes:
    exif = Image.Exif()
    exif.update(tags)
    if metadata.camera:
        exif.get_ifd(IFD.Exif).update(_sized(metadata.camera, width, height))
    if metadata.position:
        exif.get_ifd(IFD.GPSInfo).update(metadata.position)
    try:
        return exif.tobytes()
    except Exception:  # a camera's malformed tag raises anything from struct.error to AttributeError
        return b""


def tiff_directories(metadata: Metadata, width: int, height: int, start: int) -> tuple[bytes, dict[int, int]]:
    """The directories of camera and place for a little-endian TIFF, and where each of them begins in it.

    Args:
        metadata: what is written.
        width: of the picture, pixels.
        height: of the picture, pixels.
        start: where the bytes will be put in the file; even.

    Returns:
        The bytes, and the place of each directory by the tag that points at it.
    """
    data, places = b"", {}
    directories = ((IFD.Exif, _sized(metadata.camera, width, height)), (IFD.GPSInfo, metadata.position))
    for pointer, values in directories:
        if not values:
            continue
        directory = ImageFileDirectory_v2(b"II*\x00\x08\x00\x00\x00")
        directory.update(values)
        try:
            written = directory.tobytes(start + len(data))
        except Exception:  # as above
            continue
        places[int(pointer)] = start + len(data)
        data += written + bytes(len(written) % 2)
    return data, places


def _iptc_segment(records: bytes) -> bytes:
    """A JPEG's APP13 segment with the records as a Photoshop resource; nothing where they are too long for one."""
    resource = b"8BIM" + IPTC_RESOURCE.to_bytes(2, "big") + b"\0\0" + len(records).to_bytes(4, "big") + records
    body = b"Photoshop 3.0\0" + resource + bytes(len(records) % 2)
    return b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body if len(body) <= _SEGMENT else b""


def _png_text(metadata: Metadata) -> PngInfo:
    info = PngInfo()
    for key, value in metadata.text:
        info.add_itxt(key, value)
    if metadata.comment:
        info.add_itxt("Comment", metadata.comment.decode("utf-8", "replace"))
    if metadata.xmp:
        info.add_itxt(XMP_TEXT, metadata.xmp.decode("utf-8", "replace"))
    return info


def png_chunks(metadata: Metadata, format: PictureFormat, width: int, height: int) -> bytes:
    """The chunks of a PNG that hold the metadata, to be put after its header."""
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG", **save_options(metadata, format, width, height))
    data, position = buffer.getvalue(), 8
    found = b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in metadata.colour_chunks
    )
    while position < len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if data[position + 4 : position + 8] not in (b"IHDR", b"IDAT", b"IEND"):
            found += data[position:end]
        position = end
    return found
