"""Reading what a picture file carries besides its pixels."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image
from PIL.ExifTags import IFD, Base

from hnas.deploy.pictures.picture import Metadata

#: What of a file's main directory describes the picture and not its storage (a TIFF keeps both in one place).
_DESCRIPTIVE = frozenset(
    {
        Base.ImageDescription, Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist, Base.HostComputer,
        Base.Copyright, Base.Rating, Base.XPTitle, Base.XPComment, Base.XPAuthor, Base.XPKeywords, Base.XPSubject,
    }
)  # fmt: skip
#: The PNG's text chunk that holds XMP.
XMP_TEXT = "XML:com.adobe.xmp"
#: IPTC-IIM among the resources of a JPEG's APP13 segment, and as a tag of a TIFF.
IPTC_RESOURCE, IPTC_TAG = 1028, 33_723
#: Chunks that say what a PNG's values mean (PNG, third edition, 11.3.2), besides the profile.
_COLOUR_CHUNKS = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"mDCV", b"cLLI")
#: The orientation is applied to the pixels, so nobody may apply it a second time.
_XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:="|>))[0-9]')


def read_metadata(stream: BinaryIO, image: Image.Image) -> tuple[Metadata, int]:
    """What an opened picture carries, and its EXIF orientation (1 to 8, where 1 is upright).

    Args:
        stream: the file; its position stays.
        image: the picture, at the page that is meant.
    """
    exif = image.getexif()
    orientation = exif.get(Base.Orientation, 1)
    text = {key: value for key, value in getattr(image, "text", {}).items() if key != XMP_TEXT}
    comment = image.info.get("comment") or b""
    metadata = Metadata(
        icc_profile=image.info.get("icc_profile") or b"",
        colour_chunks=_colour_chunks(stream) if image.format == "PNG" else (),
        tags={tag: value for tag, value in exif.items() if tag in _DESCRIPTIVE},
        camera={tag: value for tag, value in exif.get_ifd(IFD.Exif).items() if tag != IFD.Interop},
        position=exif.get_ifd(IFD.GPSInfo),
        xmp=_XMP_ORIENTATION.sub(rb"\g<1>1", _xmp(image)),
        iptc=_iptc(image),
        comment=comment.encode() if isinstance(comment, str) else bytes(comment),
        text=tuple((key, str(value)) for key, value in text.items()),
        dpi=_dpi(image),
    )
    return metadata, orientation if orientation in range(1, 9) else 1


def _xmp(image: Image.Image) -> bytes:
    packet = image.info.get("xmp") or image.info.get(XMP_TEXT) or b""
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def _iptc(image: Image.Image) -> bytes:
    resources = image.info.get("photoshop")
    if isinstance(resources, dict):
        return bytes(resources.get(IPTC_RESOURCE, b""))
    if image.format != "TIFF":
        return b""
    tags = image.tag_v2  # type: ignore[attr-defined]
    records = tags.get(IPTC_TAG, b"")
    if isinstance(records, tuple) and all(isinstance(value, int) for value in records):  # some write it as longs
        records = struct.pack(f"{'>' if tags.prefix == b'MM' else '<'}{len(records)}I", *records)
    return records if isinstance(records, bytes) else b""


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e6 and 0 < down < 1e6 else None


def _colour_chunks(stream: BinaryIO) -> tuple[tuple[bytes, bytes], ...]:
    place = stream.tell()
    stream.seek(0)
    found = tuple((kind, body) for kind, body in chunks(stream) if kind in _COLOUR_CHUNKS)
    stream.seek(place)
    return found


def chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of a PNG's chunks before its pixels; the stream is at its beginning."""
    stream.read(8)
    while len(head := stream.read(8)) == 8 and head[4:] != b"IDAT":
        length = int.from_bytes(head[:4], "big")
        body = stream.read(length)
        if len(body) < length:
            return
        yield head[4:], body
        stream.read(4)
