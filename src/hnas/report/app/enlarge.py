"""What the app does to an uploaded picture: bounded in size and time, and nothing but PNG comes out."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hnas.deploy.enlarge.models import load
from hnas.deploy.pictures.formats import FORMATS, READ
from hnas.deploy.pictures.picture import Picture
from hnas.deploy.pictures.reading import open_picture
from hnas.deploy.pictures.writing import save_picture
from hnas.errors import HnasError
from hnas.files import write_atomically

#: Side of a tile, LR pixels: the clock is looked at after each. Smaller ones read more of their surroundings twice.
_TILE = 384


@dataclass(frozen=True)
class UploadLimits:
    """What one person may ask of the machine.

    Attributes:
        megabytes: of an uploaded file.
        megapixels: of the picture in it.
        seconds: for one picture.
    """

    megabytes: int = 40
    megapixels: float = 8.0
    seconds: float = 120.0


@dataclass(frozen=True)
class Enlarged:
    """Files of one enlarged picture: the result with all it carries, and two of one size to compare in the browser."""

    result: Path
    before: Path
    after: Path
    note: str


class Enlarger:
    """The networks on offer, each loaded when first asked for.

    Args:
        models: name -> what :func:`hnas.deploy.enlarge.models.load` takes.
        folder: where results go, each in a folder of its own.
        limits: see :class:`UploadLimits`.
        device: such as ``cpu`` or ``cuda``.

    Raises:
        HnasError: a model cannot be read.
    """

    def __init__(
        self, models: Mapping[str, str | Path], *, folder: Path, limits: UploadLimits, device: str = "cpu"
    ) -> None:
        self._folder, self._limits = folder, limits
        self._upscalers = {name: load(path, device=device, tile=_TILE) for name, path in models.items()}

    def names(self, scale: int | None = None) -> list[str]:
        """The models, or those of one scale."""
        return [name for name, upscaler in self._upscalers.items() if scale in (None, upscaler.scale)]

    @property
    def scales(self) -> list[int]:
        """All scales on offer."""
        return sorted({upscaler.scale for upscaler in self._upscalers.values()})

    def enlarge(self, path: Path, model: str, *, name: str, progress: Callable[[float], None]) -> Enlarged:
        """Enlarges an uploaded file.

        Args:
            path: of the upload.
            model: one of :meth:`names`.
            name: of the file on the person's machine, for messages and for the result's name.
            progress: is told the share done.

        Raises:
            HnasError: no picture, too large a one, an unknown model, or not done in time.
        """
        upscaler = self._upscalers.get(model)
        if upscaler is None:
            raise HnasError(f"model {model!r}: not on offer; choose one of {', '.join(self._upscalers)}")
        picture = self._open(path, name)
        deadline = monotonic() + self._limits.seconds

        def watch(share: float) -> None:
            if monotonic() > deadline:
                raise HnasError(f"{name}: not done after {self._limits.seconds:g} s; give a smaller picture")
            progress(share)

        began = monotonic()
        enlarged = upscaler.upscale_picture(picture, progress=watch)
        seconds = monotonic() - began
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        result = folder / f"{Path(name).stem}_x{upscaler.scale}.png"
        buffer = io.BytesIO()
        save_picture(buffer, enlarged, FORMATS["PNG"])
        write_atomically(result, buffer.getvalue())
        after = _shown(enlarged)
        before = _shown(picture).resize(after.size, Image.Resampling.BICUBIC)
        before.save(folder / "before.png")
        after.save(folder / "after.png")
        height, width = picture.pixels.shape[:2]
        note = f"{width}×{height} → {after.width}×{after.height} pixels by {model} in {seconds:.1f} s"
        note += "".join(f". {text}" for text in picture.notes)
        return Enlarged(result, folder / "before.png", folder / "after.png", note)

    def _open(self, path: Path, name: str) -> Picture:
        size = path.stat().st_size
        if size > self._limits.megabytes * 1_000_000:
            raise HnasError(f"{name}: {size / 1e6:.1f} MB; up to {self._limits.megabytes} MB are taken")
        try:
            with Image.open(path) as image:  # reads the head only
                pixels = image.width * image.height
        except (OSError, Image.DecompressionBombError, ValueError, SyntaxError) as error:
            raise HnasError(f"{name}: not a picture that can be read; allowed are {READ} files") from error
        if pixels > self._limits.megapixels * 1e6:
            raise HnasError(f"{name}: {pixels / 1e6:.1f} megapixels; up to {self._limits.megapixels:g} are taken")
        return open_picture(path, name)


def _shown(picture: Picture) -> Image.Image:
    """For the screen: 8 bits, opacity on white."""
    image = Image.fromarray(_eight_bits(picture.pixels)).convert("RGB")
    if picture.alpha is None:
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=Image.fromarray(_eight_bits(picture.alpha)))
    return ground


def _eight_bits(plane: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    return (plane / 257 + 0.5).astype(np.uint8) if plane.dtype == np.uint16 else plane.astype(np.uint8)
