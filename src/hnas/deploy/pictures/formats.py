"""The formats of pictures: how their files end, and what each can hold."""

from __future__ import annotations

from dataclasses import dataclass

from hnas.errors import HnasError


@dataclass(frozen=True)
class PictureFormat:
    """What a format can hold, as it is written here.

    Attributes:
        name: as Pillow calls it.
        endings: of its files; the first one is the usual one.
        holds: of ``transparency``, ``gray``, and the names that :data:`CARRIED` has for metadata.
        bits: most bits per value.
        animated: whether it may have several pictures that are shown one after the other.
        written: whether it is written, or read only.
        largest_side: most pixels of a side.
        colours: most different colours of a picture, or None.
    """

    name: str
    endings: tuple[str, ...]
    holds: frozenset[str] = frozenset()
    bits: int = 8
    animated: bool = False
    written: bool = True
    largest_side: int = 2**31 - 1
    colours: int | None = None


#: What is kept of metadata, each as it is called in words.
CARRIED = {
    "profile": "colour profile",
    "signals": "gamma, primaries or transfer function",
    "exif": "EXIF",
    "xmp": "XMP",
    "iptc": "IPTC",
    "comment": "comment",
    "text": "text",
    "resolution": "resolution",
}


def _holds(*names: str) -> frozenset[str]:
    return frozenset(names)


FORMATS = {
    each.name: each
    for each in (
        PictureFormat(
            "PNG",
            (".png", ".apng"),
            _holds("transparency", "gray", "profile", "signals", "exif", "xmp", "comment", "text", "resolution"),
            bits=16,
            animated=True,
        ),
        PictureFormat(
            "JPEG",
            (".jpg", ".jpeg", ".jpe", ".jfif"),
            _holds("gray", "profile", "exif", "xmp", "iptc", "comment", "resolution"),
            largest_side=65_535,
        ),
        PictureFormat(
            "WEBP",
            (".webp",),
            _holds("transparency", "profile", "exif", "xmp"),
            animated=True,
            largest_side=16_383,
        ),
        PictureFormat(
            "TIFF",
            (".tif", ".tiff"),
            _holds("transparency", "gray", "profile", "exif", "xmp", "iptc", "resolution"),
            bits=16,
        ),
        PictureFormat("BMP", (".bmp",), _holds("gray", "resolution")),
        PictureFormat("GIF", (".gif",), _holds("transparency", "comment"), colours=256, animated=True),
        PictureFormat("AVIF", (".avif",), _holds("transparency", "profile", "exif", "xmp"), largest_side=65_536),
        PictureFormat("TGA", (".tga",), _holds("transparency", "gray"), largest_side=65_535),
        PictureFormat("JPEG2000", (".jp2", ".j2k", ".jpx"), _holds("transparency", "gray", "comment")),
        PictureFormat("HEIF", (".heic", ".heif", ".hif"), written=False),
        PictureFormat("JXL", (".jxl",), written=False),
    )
}
#: Endings of files that are read, in lower case, and their formats.
ENDINGS = {ending: each for each in FORMATS.values() for ending in each.endings}
#: Those that are read, and those that are written, in words.
READ = ", ".join(FORMATS)
WRITTEN = ", ".join(each.endings[0] for each in FORMATS.values() if each.written)


def writable_format(ending: str) -> PictureFormat:
    """The format of an ending such as ``.png``.

    Raises:
        HnasError: pictures are not written in it.
    """
    found = ENDINGS.get(ending.lower())
    if found is None or not found.written:
        raise HnasError(f"cannot write {ending or 'a file without an ending'}; allowed are {WRITTEN}")
    return found
