"""What the app does to an uploaded picture: bounded in size and time, and nothing but PNG comes out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hnas.bounds import refuse_below
from hnas.deploy.enlarge.models import load
from hnas.deploy.pictures.formats import FORMATS, READ
from hnas.deploy.pictures.picture import Picture
from hnas.deploy.pictures.reading import open_picture
from hnas.deploy.pictures.writing import save_picture
from hnas.deploy.running.backends import free_memory
from hnas.errors import HnasError
from hnas.files import atomic_file
from hnas.report.app.storage import Storage

#: Side of a tile, LR pixels: the clock is looked at after each. Smaller ones read more of their surroundings twice.
_TILE = 384
#: Memory for every enlarged pixel, until all files are written: of 8 bits, and with 16 bits or opacity (17 and 44
#: measured: docs/reliability.md).
_BYTES_FOR_EACH, _BYTES_FOR_MORE = 18, 46


@dataclass(frozen=True)
class UploadLimits:
    """What may be asked of the machine.

    Attributes:
        megabytes: of an uploaded file.
        megapixels: of the picture in it.
        seconds: for one picture.
        total_megabytes: of all uploads and results together.
        waiting: enlargements and other requests that wait for their turn; more are refused.
    """

    megabytes: int = 40
    megapixels: float = 8.0
    seconds: float = 120.0
    total_megabytes: int = 4000
    waiting: int = 16

    def __post_init__(self) -> None:
        refuse_below(1, self, "megabytes", "total_megabytes", "waiting")


@dataclass(frozen=True)
class Enlarged:
    """One enlarged picture: files of the result with all it carries, and of two of one size to compare; a thumbnail."""

    result: Path
    before: Path
    after: Path
    thumbnail: Image.Image
    note: str


class Enlarger:
    """The networks on offer, each loaded when first asked for.

    Args:
        models: name -> what :func:`hnas.deploy.enlarge.models.load` takes.
        storage: where results go, each in a folder of its own.
        limits: see :class:`UploadLimits`.
        device: such as ``cpu`` or ``cuda``.

    Raises:
        HnasError: a model cannot be read.
    """

    def __init__(
        self, models: Mapping[str, str | Path], *, storage: Storage, limits: UploadLimits, device: str = "cpu"
    ) -> None:
        self._storage, self._limits = storage, limits
        self._upscalers = {name: load(path, device=device, tile=_TILE) for name, path in models.items()}

    def names(self, scale: int | None = None) -> list[str]:
        """The models, or those of one scale."""
        return [name for name, upscaler in self._upscalers.items() if scale in (None, upscaler.scale)]

    def usual(self, scale: int) -> str:
        """The model of a scale for a person who chooses none: the one that `hnas upscale` takes for clean pictures."""
        names = self.names(scale)
        return next((name for name in names if name == f"best-x{scale}"), names[0])

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
        picture = self._open(path, name, upscaler.scale)
        deadline = monotonic() + self._limits.seconds

        def watch(share: float) -> None:
            if monotonic() > deadline:
                raise HnasError(f"{name}: not done after {self._limits.seconds:g} s; give a smaller picture")
            progress(share)

        began = monotonic()
        enlarged = upscaler.upscale_picture(picture, progress=watch)
        seconds = monotonic() - began
        with self._storage.room_for(_bytes_written(enlarged)):
            result, before, after = self._write(picture, enlarged, f"{Path(name).stem}_x{upscaler.scale}.png")
        (height, width), (high, wide) = picture.pixels.shape[:2], enlarged.pixels.shape[:2]
        note = f"{width}×{height} → {wide}×{high} pixels by {model} in {seconds:.1f} s"
        note += "".join(f". {text}" for text in picture.notes)
        return Enlarged(result, before, after, _thumbnail(picture), note)

    def _write(self, picture: Picture, enlarged: Picture, name: str) -> tuple[Path, Path, Path]:
        """The result, the bicubic picture and the one that is shown beside it, all or none of them."""
        folder = Path(tempfile.mkdtemp(dir=self._storage.folder))
        result, before, after = folder / name, folder / "before.png", folder / "after.png"
        try:
            with atomic_file(result) as stream:
                save_picture(stream, enlarged, FORMATS["PNG"])
            high, wide = enlarged.pixels.shape[:2]
            with atomic_file(after) as stream:
                _shown(enlarged).save(stream, "PNG")
            with atomic_file(before) as stream:
                _shown(picture).resize((wide, high), Image.Resampling.BICUBIC).save(stream, "PNG")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return result, before, after

    def _open(self, path: Path, name: str, scale: int) -> Picture:
        try:
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise HnasError(f"{name}: kept for some minutes only; upload it again") from error
        if size > self._limits.megabytes * 1_000_000:
            raise HnasError(f"{name}: {size / 1e6:.1f} MB; up to {self._limits.megabytes} MB are taken")
        try:
            with Image.open(path) as image:  # reads the head only
                pixels = image.width * image.height
        except (OSError, Image.DecompressionBombError, ValueError, SyntaxError) as error:
            raise HnasError(f"{name}: not a picture that can be read; allowed are {READ} files") from error
        if pixels > self._limits.megapixels * 1e6:
            raise HnasError(f"{name}: {pixels / 1e6:.1f} megapixels; up to {self._limits.megapixels:g} are taken")
        picture = open_picture(path, name)
        plain = picture.pixels.dtype == np.uint8 and picture.alpha is None
        needed, free = pixels * scale**2 * (_BYTES_FOR_EACH if plain else _BYTES_FOR_MORE), 2 * free_memory()
        if needed > free:
            raise HnasError(
                f"{name}: enlarging it takes {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free; "
                "give a smaller picture"
            )
        return picture


def _bytes_written(enlarged: Picture) -> int:
    """At most, for the files of one result: PNG files are no larger than their pixels, but for a thousandth."""
    height, width = enlarged.pixels.shape[:2]
    opacity = 0 if enlarged.alpha is None else enlarged.alpha.nbytes
    return int(1.01 * (enlarged.pixels.nbytes + opacity + 2 * 3 * height * width)) + (1 << 20)


def _shown(picture: Picture) -> Image.Image:
    """For the screen: 8 bits, opacity on white."""
    image = Image.fromarray(_eight_bits(picture.pixels)).convert("RGB")
    if picture.alpha is None:
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=Image.fromarray(_eight_bits(picture.alpha)))
    return ground


def _thumbnail(picture: Picture) -> Image.Image:
    """At most 192 pixels wide and high."""
    image = _shown(picture)
    image.thumbnail((192, 192))
    return image


def _eight_bits(plane: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    if plane.dtype != np.uint16:
        return plane.astype(np.uint8, copy=False)
    # p / 257, rounded, without leaving 16 bits.
    return ((np.minimum(plane, 65_407) + np.uint16(128)) // np.uint16(257)).astype(np.uint8)
