"""What a TIFF says of its pages, and reading one of more than 8 bits (TIFF 6.0; BigTIFF alike)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hnas.deploy.pictures.deep import scaled
from hnas.errors import HnasError
from hnas.extras import need

#: Type of a field -> how a whole number of it is unpacked.
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q", 17: "q"}
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA, _SAMPLE_FORMAT = (
    254,
    256,
    257,
    258,
    262,
    277,
    338,
    339,
)
_READ = {_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA, _SAMPLE_FORMAT}
#: Bits of NewSubfileType: a smaller version of another page, and a mask of one.
_REDUCED, _MASK = 1, 4
_KINDS = {0: "white-is-zero gray", 1: "gray", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "Lab colour"}
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}
_WHITE_IS_ZERO, _GRAY, _RGB = 0, 1, 2
_ASSOCIATED, _UNASSOCIATED = 1, 2
#: A file that claims more pages or values of a field is damaged.
_MOST = 65_536


@dataclass(frozen=True)
class Page:
    """What a page's directory says.

    Attributes:
        index: among the pages of the file, from 0.
        width: in pixels.
        height: in pixels.
        bits: of the values of a pixel, one number each.
        photometric: what the values mean (tag 262).
        samples: values a pixel.
        extra: what values beyond the colours mean (tag 338); where the file says nothing of them, they are 0.
        sample_format: 1 whole numbers, 2 with signs, 3 floating point (tag 339).
        subfile: bits of NewSubfileType (tag 254).
    """

    index: int
    width: int
    height: int
    bits: tuple[int, ...]
    photometric: int
    samples: int
    extra: tuple[int, ...]
    sample_format: int
    subfile: int

    @property
    def is_picture(self) -> bool:
        """Neither a thumbnail nor a mask."""
        return not self.subfile & (_REDUCED | _MASK)

    @property
    def depth(self) -> int:
        """Most bits of a value."""
        return max(self.bits)

    @property
    def has_alpha(self) -> bool:
        """Whether the first value beyond the colours is the opacity."""
        return bool(self.extra) and self.extra[0] in (_ASSOCIATED, _UNASSOCIATED)

    @property
    def kind(self) -> str:
        """Such as ``32-bit float RGB TIFF``."""
        number = {2: " signed", 3: " float", 5: " complex", 6: " complex"}.get(self.sample_format, "")
        meaning = _KINDS.get(self.photometric, f"photometric {self.photometric}")
        return f"{self.depth}-bit{number} {meaning} TIFF"


def read_pages(stream: BinaryIO) -> list[Page]:
    """The pages in order; empty where the file is damaged. The stream's position stays."""
    place = stream.tell()
    try:
        return _pages(stream)
    except (struct.error, ValueError, OverflowError, OSError):
        return []
    finally:
        stream.seek(place)


def _pages(stream: BinaryIO) -> list[Page]:
    stream.seek(0)
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}[head[:2]] if head[:2] in (b"II", b"MM") else ""
    if not order:
        return []
    big = struct.unpack(f"{order}H", head[2:4]) == (43,)
    count, offset, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    size = struct.calcsize(offset)
    (place,) = struct.unpack(order + offset, head[8:16] if big else head[4:8])
    pages: list[Page] = []
    seen: set[int] = set()
    while place and place not in seen and len(pages) < _MOST:
        seen.add(place)
        stream.seek(place)
        (entries,) = struct.unpack(order + count, stream.read(struct.calcsize(count)))
        if entries > _MOST:
            raise ValueError(entries)
        directory = stream.read(entries * entry)
        (place,) = struct.unpack(order + offset, stream.read(size))
        fields = {}
        for start in range(0, len(directory), entry):
            tag, kind = struct.unpack(f"{order}HH", directory[start : start + 4])
            if tag in _READ and kind in _NUMBERS:
                fields[tag] = _values(stream, order, kind, directory[start + 4 : start + entry], offset)
        pages.append(_page(len(pages), fields))
    return pages


def _values(stream: BinaryIO, order: str, kind: int, field: bytes, offset: str) -> tuple[int, ...]:
    """The whole numbers of a field, which lie in it or where it points."""
    width = struct.calcsize(offset)
    (count,) = struct.unpack(order + offset, field[:width])
    if not 0 < count <= _MOST:
        raise ValueError(count)
    layout = f"{order}{count}{_NUMBERS[kind]}"
    size = struct.calcsize(layout)
    data = field[width : width + size]
    if size > width:
        stream.seek(*struct.unpack(order + offset, field[width:]))
        data = stream.read(size)
    return struct.unpack(layout, data)


def _page(index: int, fields: dict[int, tuple[int, ...]]) -> Page:
    bits = fields.get(_BITS, (1,))
    samples = fields.get(_SAMPLES, (len(bits),))[0]
    photometric = fields.get(_PHOTOMETRIC, (_GRAY,))[0]
    beyond = max(0, samples - _COLOURS.get(photometric, samples))
    return Page(
        index,
        fields.get(_WIDTH, (0,))[0],
        fields.get(_HEIGHT, (0,))[0],
        bits,
        photometric,
        samples,
        (fields.get(_EXTRA, ()) + (0,) * beyond)[:beyond],
        fields.get(_SAMPLE_FORMAT, (1,))[0],
        fields.get(_SUBFILE, (0,))[0],
    )


def choose_page(pages: list[Page], name: str) -> tuple[Page, tuple[str, ...]]:
    """The first page that is a picture, and what is left out, in words.

    Raises:
        HnasError: its values are of a kind that is not handled.
    """
    pictures = [page for page in pages if page.is_picture] or pages[:1]
    page = pictures[0]
    notes = []
    if len(pictures) > 1:
        notes.append(f"only the first of its {len(pictures)} pictures is enlarged")
    if any(not other.is_picture for other in pages) and page.is_picture:
        notes.append("its thumbnail or mask is left out")
    if page.extra and not page.has_alpha:
        notes.append("values beyond its colours that it does not call opacity are left out")
    whole = page.sample_format in (1, 4) and page.depth <= 16
    if not whole or len(set(page.bits)) > 1:
        bits = "/".join(map(str, page.bits)) + " bits in a " if len(set(page.bits)) > 1 else ""
        raise HnasError(f"{name}: {bits}{page.kind} is not handled; save it as 8-bit or 16-bit gray or RGB")
    return page, tuple(notes)


def read_deep(stream: BinaryIO, page: Page, name: str) -> tuple[NDArray[np.uint16], NDArray[np.uint16] | None]:
    """Pixels and opacity of a page of 9 to 16 bits, scaled to 16.

    Raises:
        HnasError: its colours are of a kind that is not handled, or it is damaged.
    """
    tifffile = need("tifffile", where=name)

    if page.photometric not in (_WHITE_IS_ZERO, _GRAY, _RGB):
        raise HnasError(f"{name}: {page.kind} is not handled; save it as 16-bit gray or RGB")
    stream.seek(0)
    try:
        read = tifffile.TiffFile(stream).pages[page.index]
        array = np.asarray(read.asarray())
        by_planes = read.axes.startswith("S")
    except Exception as error:  # tifffile and the codecs below it raise many types, RuntimeError among them
        raise HnasError(f"{name}: damaged, truncated or in a coding that is not handled ({error})") from error
    if by_planes:  # one plane after the other
        array = np.moveaxis(array, 0, -1)
    colours = 3 if page.photometric == _RGB else 1
    array = array.reshape(*array.shape[:2], -1) if array.ndim in (2, 3) else array
    if array.dtype != np.uint16 or array.ndim != 3 or array.shape[2] < colours:
        raise HnasError(
            f"{name}: {array.dtype} values of shape {array.shape} are not handled; allowed are gray and RGB"
        )
    array = scaled(array[..., : colours + page.has_alpha], page.depth)
    pixels: NDArray[Any] = array[..., :colours] if colours == 3 else array[..., 0]
    if page.photometric == _WHITE_IS_ZERO:
        pixels = 65_535 - pixels
    if not page.has_alpha:
        return pixels, None
    alpha = array[..., -1]
    if page.extra[0] == _ASSOCIATED:  # colours are multiplied by the opacity
        share = 65_535 / np.maximum(alpha, 1)
        pixels = np.minimum(np.rint(pixels * (share[..., None] if colours == 3 else share)), 65_535).astype(np.uint16)
    return pixels, alpha
