"""A picture in memory, with what its file carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Metadata:
    """What a picture carries.

    Attributes:
        icc_profile: the colour profile, or empty.
        colour_chunks: name and content of a PNG's chunks that say what its values mean (gAMA, cHRM, cICP ...).
        tags: descriptive EXIF tags, without storage, orientation and preview.
        camera: the EXIF directory of the camera's settings.
        position: the EXIF directory of the place (GPS).
        xmp: the XMP packet, or empty.
        iptc: the records of IPTC-IIM, or empty.
        comment: of a JPEG or GIF, as its bytes.
        text: a PNG's text chunks.
        dpi: pixels per inch, across and down.
    """

    icc_profile: bytes = b""
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()
    tags: Mapping[int, Any] = field(default_factory=dict)
    camera: Mapping[int, Any] = field(default_factory=dict)
    position: Mapping[int, Any] = field(default_factory=dict)
    xmp: bytes = b""
    iptc: bytes = b""
    comment: bytes = b""
    text: tuple[tuple[str, str], ...] = ()
    dpi: tuple[float, float] | None = None


@dataclass(frozen=True)
class Picture:
    """An upright picture.

    Attributes:
        pixels: uint8 or uint16, (H, W) gray or (H, W, 3) RGB.
        alpha: the opacity, (H, W) of the same type, or None for an opaque picture.
        metadata: what the file carries besides.
        notes: what reading had to change, in words, for the person to see.
        jpeg_quality: of the file where it is a JPEG, 1 to 100 (:mod:`hnas.deploy.pictures.jpeg_quality`).
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()
    jpeg_quality: int | None = None
