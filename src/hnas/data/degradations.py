"""What happened to small pictures before they are enlarged, besides getting small: compression, blur, noise.

A degradation is written as steps in order with a range each, such as ``blur:0-1+jpeg:30-95``: every copy of a picture
draws its own values. A single value, as in ``jpeg:50``, is a range of itself.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from hnas.data.folders import Pair
from hnas.data.pictures import Pixels
from hnas.errors import HnasError
from hnas.registry import Registry


def jpeg(picture: Pixels, quality: float, draw: np.random.Generator) -> Pixels:
    """Compressed and opened again by libjpeg's quality, by chance with full colour resolution or half of it."""
    file = io.BytesIO()
    subsampling = int(draw.choice([0, 2]))
    Image.fromarray(picture).save(file, "JPEG", quality=round(quality), subsampling=subsampling)
    return np.asarray(Image.open(file))


def blur(picture: Pixels, sigma: float, draw: np.random.Generator) -> Pixels:
    """Blurred by a Gaussian of so many pixels."""
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(sigma)))


def noise(picture: Pixels, sigma: float, draw: np.random.Generator) -> Pixels:
    """With Gaussian noise of so many of the 255 levels, drawn for every value."""
    noisy = picture + draw.normal(0, sigma, picture.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Degradation:
    """A kind of degradation.

    Attributes:
        apply: makes of a picture (uint8, H x W x 3), a value out of the range and a generator for whatever else is
            drawn a picture of the same size; a function of these alone.
        least: smallest value that is allowed.
        most: largest one.
    """

    apply: Callable[[Pixels, float, np.random.Generator], Pixels]
    least: float
    most: float


DEGRADATIONS = Registry(
    "degradation",
    "hnas.degradations",
    {"jpeg": Degradation(jpeg, 1, 100), "blur": Degradation(blur, 0, 10), "noise": Degradation(noise, 0, 100)},
    kind=Degradation,
)


def register_degradation(name: str, degradation: Degradation) -> None:
    """Adds a kind of degradation, for this process, to be written as ``name:LOW-HIGH`` among the steps of one.

    A package adds one for every process by an entry point of the group ``hnas.degradations``.

    Args:
        name: small letters, digits, ``_`` and ``-``.
        degradation: what is done, and the values that are allowed.

    Raises:
        HnasError: a name that is taken or none, or no degradation.
    """
    DEGRADATIONS.register(name, degradation)


@dataclass(frozen=True)
class Step:
    """One kind of degradation and the range that its value is drawn from, evenly, both ends included."""

    name: str
    low: float
    high: float

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.name}:{_plain(self.low)}" + ("" if self.high == self.low else f"-{_plain(self.high)}")


def _plain(value: float) -> str:
    """All digits and no exponent, whose minus sign would look like a range."""
    return np.format_float_positional(value, trim="-")


def read_degradation(text: str) -> tuple[Step, ...]:
    """The steps of a degradation as it is written; none for an empty text.

    Raises:
        HnasError: an unknown kind, or a value that is not allowed.
    """
    return tuple(_read_step(word, text) for word in text.split("+")) if text else ()


def _read_step(word: str, text: str) -> Step:
    name, _, values = word.partition(":")
    if name not in DEGRADATIONS:
        raise HnasError(f"degradation {text!r}: {name!r} is none of {', '.join(DEGRADATIONS)}")
    low, _, high = values.partition("-")
    kind = DEGRADATIONS[name]
    try:
        step = Step(name, float(low), float(high or low))
    except ValueError as error:
        raise HnasError(f"degradation {text!r}: {word!r} is not written as {name}:LOW-HIGH") from error
    if not kind.least <= step.low <= step.high <= kind.most:
        raise HnasError(
            f"degradation {text!r}: {name} goes from {kind.least:g} to {kind.most:g}, the lower value first"
        )
    return step


def degraded(picture: Pixels, steps: Sequence[Step], draw: np.random.Generator) -> Pixels:
    """A picture after all steps.

    Args:
        picture: uint8 H x W x 3.
        steps: in order.
        draw: gives the values.
    """
    for step in steps:
        picture = DEGRADATIONS[step.name].apply(picture, float(draw.uniform(step.low, step.high)), draw)
    return picture


def as_degraded(pairs: Sequence[Pair], degradation: str, *, seed: int) -> list[Pair]:
    """One degraded copy in place of each pair; the pairs themselves where the degradation is empty."""
    steps = read_degradation(degradation)
    return degraded_copies(pairs, steps, 1, seed=seed) if steps else list(pairs)


def degraded_copies(pairs: Sequence[Pair], steps: Sequence[Step], copies: int, *, seed: int) -> list[Pair]:
    """So many copies of each pair, in turn, with the small picture degraded and the large one as it is.

    Whole pictures are degraded, not patches: what compression leaves depends on where its blocks lie.

    Args:
        pairs: of pictures.
        steps: see :func:`read_degradation`.
        copies: each with values of its own.
        seed: they are a function of this, the number of the copy and that of the picture.
    """
    found = []
    for copy in range(copies):
        for number, pair in enumerate(pairs):
            draw: Any = np.random.default_rng((seed, copy, number))
            found.append(replace(pair, lr=degraded(np.ascontiguousarray(pair.lr), steps, draw)))
    return found
