"""Writing what a picture carries besides its pixels, as each format keeps it."""

from __future__ import annotations

import io
import zlib
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hnas.deploy.pictures.directories import exif_bytes
from hnas.deploy.pictures.formats import PictureFormat
from hnas.deploy.pictures.metadata import IPTC_RESOURCE, XMP_TEXT
from hnas.deploy.pictures.picture import Metadata


def save_options(metadata: Metadata, format: PictureFormat, width: int, height: int) -> dict[str, Any]:
    """Pillow's options that write the metadata into a picture of this size (pixels).

    Those of a PNG are for :func:`png_chunks`; the tags of a TIFF are put in afterwards
    (:func:`hnas.deploy.pictures.directories.put_into_tiff`).
    """
    options: dict[str, Any] = {}
    holds = format.holds
    if metadata.dpi and "resolution" in holds:
        options["dpi"] = metadata.dpi
    if metadata.icc_profile and "profile" in holds:
        options["icc_profile"] = metadata.icc_profile
    if format.name == "TIFF":
        return options
    if (metadata.tags or metadata.camera or metadata.position) and "exif" in holds:
        options["exif"] = exif_bytes(metadata, width, height)
    if format.name == "PNG":
        options["pnginfo"] = _png_text(metadata)
        return options
    if metadata.xmp and "xmp" in holds:
        options["xmp"] = metadata.xmp
    if metadata.comment and "comment" in holds:
        options["comment"] = metadata.comment
    if metadata.iptc and "iptc" in holds:
        options["extra"] = _iptc_segment(metadata.iptc)
    return options


def _iptc_segment(records: bytes) -> bytes:
    """A JPEG's APP13 segment with the records as a Photoshop resource."""
    resource = b"8BIM" + IPTC_RESOURCE.to_bytes(2, "big") + b"\0\0" + len(records).to_bytes(4, "big") + records
    body = b"Photoshop 3.0\0" + resource + bytes(len(records) % 2)
    return b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body


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
