"""The bundled network for each picture by itself: one trained on compressed pictures for JPEGs that lost enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from hnas.bundled import bundled_models
from hnas.deploy.enlarge.models import DEFAULT_SCALE, default_model
from hnas.deploy.enlarge.upscale import Enlarging, Progress, Upscaler
from hnas.deploy.pictures.picture import Picture

#: The name that ``-m`` has for it, and what is done where nobody names a model.
AUTO = "auto"
#: JPEGs up to this quality are for the network that was trained on such; docs/enlarge.md has the measurement.
JPEG_QUALITY = 95


def compressed_model(scale: int) -> str | None:
    """The name of the bundled model for compressed pictures; None where none comes with the package at this scale."""
    name = f"jpeg-x{scale}"
    return name if name in bundled_models() else None


@dataclass(frozen=True)
class ByCompression:
    """Enlarges a picture by the network for what its file says of its compression.

    Attributes:
        clean: the network for clean pictures.
        name: of the network for compressed ones, for notes.
        compressed: gives that network.
    """

    clean: Upscaler
    name: str
    compressed: Callable[[], Upscaler]

    @property
    def scale(self) -> int:
        """By how much both enlarge."""
        return self.clean.scale

    def upscale_picture(self, picture: Picture, *, progress: Progress | None = None) -> Picture:
        """Enlarges a picture with all that it carries; a note says so where it is not by the usual network.

        What comes of it is no JPEG, so that whatever enlarges it further takes it for clean.
        """
        quality = picture.jpeg_quality
        picture = replace(picture, jpeg_quality=None)
        if quality is None or quality > JPEG_QUALITY:
            return self.clean.upscale_picture(picture, progress=progress)
        note = f"a JPEG of quality {quality}, so {self.name} enlarges it, which also removes what compression left"
        return self.compressed().upscale_picture(replace(picture, notes=(*picture.notes, note)), progress=progress)


def auto(scale: int | None, load: Callable[[str], Upscaler]) -> Enlarging:
    """What enlarges pictures where nobody chose a model.

    Args:
        scale: by how much; None is the usual.
        load: gives a bundled model by its name.

    Raises:
        HnasError: no model for clean pictures comes with the package at this scale.
    """
    name = compressed_model(scale or DEFAULT_SCALE)
    clean = load(default_model(scale))
    return clean if name is None else ByCompression(clean, name, cache(lambda: load(name)))
