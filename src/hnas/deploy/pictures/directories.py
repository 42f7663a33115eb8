"""Directories of tags as EXIF and TIFF have them (EXIF 2.32, 4.6.2; TIFF 6.0, section 2): made, and put into a file."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from hnas.deploy.pictures.metadata import IPTC_TAG
from hnas.deploy.pictures.picture import Metadata

_HEADER = b"II*\x00\x08\x00\x00\x00"
_ASCII, _BYTE, _UNDEFINED = 2, 1, 7
_XMP_TAG = 700
_ENTRY = 12


def exif_bytes(metadata: Metadata, width: int, height: int) -> bytes:
    """EXIF as JPEG, PNG and WebP hold it, for a picture of this size (pixels)."""
    pointers = dict.fromkeys(_directories(metadata, width, height), 0)
    length = len(_made({**metadata.tags, **pointers}).tobytes(len(_HEADER)))
    start = len(_HEADER) + length + length % 2
    data, places = _behind(metadata, width, height, start)
    main = _made({**metadata.tags, **places}).tobytes(len(_HEADER))
    return b"Exif\0\0" + _HEADER + main + bytes(length % 2) + data


def put_into_tiff(file: BinaryIO, metadata: Metadata, width: int, height: int) -> None:
    """Gives the first page of a little-endian TIFF the metadata; a BigTIFF is left as it is.

    Its directory is written anew at the end, with the entries that it has and these.

    Args:
        file: open for reading and writing.
        metadata: what is put in; resolution and colour profile are there already.
        width: of the picture, pixels.
        height: of the picture, pixels.
    """
    start = file.seek(0, 2)
    data, places = _behind(metadata, width, height, start + start % 2)
    tags: dict[int, Any] = {**metadata.tags, **places}
    types = {}
    for code, kind, packet in ((_XMP_TAG, _BYTE, metadata.xmp), (IPTC_TAG, _UNDEFINED, metadata.iptc)):
        if packet:
            tags[code], types[code] = packet, kind
    file.seek(0)
    if not tags or file.read(4) != _HEADER[:4]:
        return
    (first,) = struct.unpack("<I", file.read(4))
    file.seek(first)
    (count,) = struct.unpack("<H", file.read(2))
    there = file.read(_ENTRY * count)
    following = file.read(4)
    place = start + start % 2 + len(data)
    added = _made(tags, types).tobytes(place)
    (more,) = struct.unpack("<H", added[:2])
    entries = {entry[:2]: entry for entry in (*_entries(there), *_entries(added[2 : 2 + _ENTRY * more]))}
    in_order = sorted(entries.values(), key=lambda entry: int.from_bytes(entry[:2], "little"))
    file.seek(0, 2)
    file.write(bytes(start % 2) + data + added + bytes(len(added) % 2))
    new = file.tell()
    file.write(struct.pack("<H", len(in_order)) + b"".join(in_order) + following)
    file.seek(4)
    file.write(struct.pack("<I", new))


def _entries(data: bytes) -> list[bytes]:
    return [data[place : place + _ENTRY] for place in range(0, len(data), _ENTRY)]


def _directories(metadata: Metadata, width: int, height: int) -> dict[int, Mapping[int, Any]]:
    """Those of camera and place, by the tags that point at them; with the size that the picture has."""
    sizes: dict[int, int] = {Base.ExifImageWidth: width, Base.ExifImageHeight: height}
    camera = {tag: sizes.get(tag, value) for tag, value in metadata.camera.items()}
    return {int(tag): values for tag, values in ((IFD.Exif, camera), (IFD.GPSInfo, metadata.position)) if values}


def _behind(metadata: Metadata, width: int, height: int, start: int) -> tuple[bytes, dict[int, int]]:
    """The directories of camera and place from an even place of a file on, and where each begins."""
    data, places = b"", {}
    for pointer, values in _directories(metadata, width, height).items():
        places[pointer] = start + len(data)
        written = _made(values).tobytes(start + len(data))
        data += written + bytes(len(written) % 2)
    return data, places


def _made(values: Mapping[int, Any], types: Mapping[int, int] | None = None) -> ImageFileDirectory_v2:
    """A directory of tags, without those that a camera wrote so that they cannot be written again."""
    directory = ImageFileDirectory_v2(_HEADER)
    for tag, value in values.items():
        alone = ImageFileDirectory_v2(_HEADER)
        for each in (alone, directory):
            if isinstance(value, str):  # Pillow reads bytes as Latin-1, and would write ASCII
                each[tag] = _bytes(value)
                each.tagtype[tag] = _ASCII
            else:
                each[tag] = value
            if types and tag in types:
                each.tagtype[tag] = types[tag]
            if each is alone:
                try:
                    alone.tobytes(len(_HEADER))
                except Exception:  # anything from struct.error to AttributeError
                    break
    return directory


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()
