"""How strongly a JPEG was compressed, by the quantisation tables in its file."""

from __future__ import annotations

from functools import cache

from PIL import Image

#: The luminance table of ITU-T T.81, K.1, which libjpeg has at quality 50.
_LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)


def jpeg_quality(image: Image.Image) -> int | None:
    """The quality, 1 to 100, at which libjpeg's table of brightness comes nearest to a file's own.

    Exact where libjpeg or one like it wrote the file by a quality; for tables of other makers (cameras, Photoshop) the
    quality of as coarse a table.

    Args:
        image: as opened; its pixels are not needed.

    Returns:
        None for a file that is no JPEG.
    """
    tables = getattr(image, "quantization", None)
    if image.format not in ("JPEG", "MPO") or not tables:
        return None
    own = sum(tables[min(tables)])
    return min(range(100, 0, -1), key=lambda quality: abs(_sum(quality) - own))


@cache
def _sum(quality: int) -> int:
    """Of the table that libjpeg makes for a quality (``jpeg_quality_scaling``, ``jpeg_add_quant_table``)."""
    scaling = 5000 // quality if quality < 50 else 200 - 2 * quality
    return sum(min(max((value * scaling + 50) // 100, 1), 255) for value in _LUMINANCE)
