"""Photographs that are inside scikit-image's wheel: enough to try everything without a download.

They are opened as files, not through `skimage.data`, whose functions may go to the network.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from hnas.data.folders import Pair, pair_of
from hnas.data.pictures import Picture, read_picture
from hnas.errors import HnasError

#: Never searched or trained on: the demonstration is measured on these.
HELD_OUT = ("coffee", "chelsea")

#: Left out are drawings, and photographs with little to learn from (a blurred clock, the moon, a field of stars).
#: `brick`, `camera`, `coins`, `grass` and `gravel` are gray; the `motorcycle` pictures are one scene from two sides.
FILES = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "ihc.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "retina.jpg",
    "rocket.jpg",
)


def sample_pictures() -> dict[str, Picture]:
    """Thirteen photographs by name, uint8 H x W x 3, 300 to 1411 pixels high; no network.

    Raises:
        HnasError: scikit-image is not installed, or without its pictures.
    """
    found = find_spec("skimage.data")
    if found is None or found.origin is None:
        raise HnasError("the sample photographs come with scikit-image, which is not installed; install scikit-image")
    folder = Path(found.origin).parent
    return {Path(name).stem: read_picture(folder / name) for name in FILES}


def held_out_pairs(scale: int) -> list[Pair]:
    """The held-out photographs as a benchmark."""
    pictures = sample_pictures()
    return [pair_of(name, pictures[name], scale) for name in HELD_OUT]
