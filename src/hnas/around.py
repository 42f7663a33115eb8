"""What was read around a tile of a picture."""

from __future__ import annotations

#: Low-resolution pixels that were read beyond a tile: above, left, below and right (fewer at the picture's edge).
Around = tuple[int, int, int, int]
#: Of a picture that is run at once.
WHOLE: Around = (0, 0, 0, 0)


def kept(around: Around, margin: int) -> Around:
    """What of a tile's surroundings lies within a margin."""
    top, left, bottom, right = (min(pixels, margin) for pixels in around)
    return top, left, bottom, right
