"""What a format cannot hold of a picture, in words: nothing is lost without one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hnas.deploy.pictures.directories import exif_bytes
from hnas.deploy.pictures.formats import CARRIED, PictureFormat
from hnas.deploy.pictures.picture import Metadata, Picture

#: The colour space that an ICC profile describes stands at this place of it (ICC.1:2022, 7.2).
_SPACE = slice(16, 20)
_SPACES = {b"GRAY": "gray", b"RGB ": "RGB"}
#: Bytes that fit into a JPEG's segment beside what marks them.
_SEGMENT = 65_500
_WITHOUT: dict[str, dict[str, Any]] = {
    "xmp": {"xmp": b""}, "iptc": {"iptc": b""}, "comment": {"comment": b""},
    "exif": {"tags": {}, "camera": {}, "position": {}},
}  # fmt: skip
#: Larger files are BigTIFFs, into which directories of metadata are not put.
_CLASSIC_TIFF = 2**32 - 2**25


def written_gray(picture: Picture, format: PictureFormat) -> bool:
    """Whether a picture is written as gray; few readers know gray with opacity in a TIFF."""
    gray = picture.pixels.ndim == 2 and "gray" in format.holds
    return gray and not (format.name == "TIFF" and picture.alpha is not None and picture.pixels.dtype == np.uint16)


def profile_fits(picture: Picture, format: PictureFormat) -> bool:
    """Whether the picture's colour profile describes what is written; that of a picture without one does."""
    space = picture.metadata.icc_profile[_SPACE]
    return not space or space == (b"GRAY" if written_gray(picture, format) else b"RGB ")


def _carries(metadata: Metadata) -> dict[str, bool]:
    """What of the names in :data:`CARRIED` a picture has."""
    return {
        "profile": bool(metadata.icc_profile),
        "signals": bool(metadata.colour_chunks),
        "exif": bool(metadata.tags or metadata.camera or metadata.position),
        "xmp": bool(metadata.xmp),
        "iptc": bool(metadata.iptc),
        "comment": bool(metadata.comment),
        "text": bool(metadata.text),
        "resolution": metadata.dpi is not None,
    }


def _most(picture: Picture) -> int:
    return int(np.iinfo(picture.pixels.dtype).max)


def _count_colours(picture: Picture, enough: int) -> int:
    """How many colours there are; no more than a few beyond what is enough are counted."""
    found: set[bytes] = set()
    for row in picture.pixels:
        values = row.reshape(len(row), -1)
        found |= {value.tobytes() for value in np.unique(values, axis=0)}
        if len(found) > enough:
            break
    return len(found)


def _too_long(metadata: Metadata, format: PictureFormat) -> list[str]:
    """What does not fit into a JPEG's segments, by the names in :data:`CARRIED`."""
    if format.name != "JPEG":
        return []
    lengths = {"xmp": len(metadata.xmp), "iptc": len(metadata.iptc), "comment": len(metadata.comment)}
    lengths["exif"] = len(exif_bytes(metadata, 1, 1))
    return [name for name, length in lengths.items() if length > _SEGMENT]


def fitted(picture: Picture, format: PictureFormat) -> Picture:
    """The picture without what a format has room for and this picture's would not be right in: see :func:`losses`."""
    metadata = picture.metadata
    if not profile_fits(picture, format):
        metadata = replace(metadata, icc_profile=b"")
    for name in _too_long(metadata, format):
        metadata = replace(metadata, **_WITHOUT[name])
    return replace(picture, metadata=metadata)


def losses(picture: Picture, format: PictureFormat) -> tuple[str, ...]:
    """What a format cannot hold of a picture, in words.

    Args:
        picture: as it is to be written.
        format: of the file.
    """
    lost = []
    if picture.pixels.dtype == np.uint16 and format.bits < 16:
        lost.append(f"{format.name} holds {format.bits} bits: rounded from 16")
    if picture.alpha is not None and "transparency" not in format.holds:
        lost.append(f"{format.name} holds no transparency: laid on white")
    if picture.alpha is not None and format.colours and not np.isin(picture.alpha, (0, _most(picture))).all():
        lost.append(f"{format.name} holds no half transparency: clear below a half")
    if format.colours and _count_colours(picture, format.colours) > format.colours:
        lost.append(f"{format.name} holds {format.colours} colours: the nearest of them are taken")
    carried = _carries(picture.metadata)
    missing = [words for name, words in CARRIED.items() if carried[name] and name not in format.holds]
    if missing:
        lost.append(f"{format.name} holds no {', '.join(missing)}: left out")
    if "profile" in format.holds and not profile_fits(picture, format):
        space = _SPACES.get(picture.metadata.icc_profile[_SPACE], "other")
        wanted = "gray" if written_gray(picture, format) else "RGB"
        lost.append(f"its colour profile is for {space} pixels and these are {wanted}: left out")
    if too_long := _too_long(picture.metadata, format):
        lost.append(f"{', '.join(CARRIED[name] for name in too_long)} too long for a {format.name}: left out")
    if format.name == "TIFF" and picture.pixels.nbytes > _CLASSIC_TIFF and carried["exif"]:
        lost.append("directories of EXIF do not go into a TIFF of more than 4 GB: left out")
    return tuple(lost)
