"""Checking sets on disk: are all pictures there and whole, do the low-resolution ones fit?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hnas.data.folders import PictureSet, check_fit, crop_to_multiple, find_pictures, shrink
from hnas.data.known_sets import KNOWN_SETS
from hnas.data.pictures import read_picture
from hnas.data.reading_threads import reading_threads
from hnas.errors import HnasError

SCALES = (2, 3, 4)


@dataclass(frozen=True)
class SmallPictures:
    """The low-resolution pictures of one scale: how many there are, and how many of them MATLAB's bicubic gives."""

    pictures: int
    identical: int


@dataclass(frozen=True)
class SetCheck:
    """What was found in a set.

    Attributes:
        name: of the set.
        pictures: originals in it.
        expected: how many a known set of this name has.
        lr: the low-resolution pictures by scale, for the scales that are there.
        problems: one line each, naming the file.
    """

    name: str
    pictures: int
    expected: int | None = None
    lr: dict[int, SmallPictures] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def check_set(found: PictureSet, on_picture: Callable[[], None] | None = None) -> SetCheck:
    """Decodes every picture of a set and compares the low-resolution ones with MATLAB's bicubic.

    Pictures that cannot be read, are missing or do not fit are problems. Low-resolution pictures made in another way
    are none; they are counted.

    Args:
        found: the set.
        on_picture: called after every original.

    Raises:
        HnasError: no pictures at all.
    """
    paths = find_pictures(found.hr)
    problems = []
    known = KNOWN_SETS.get(found.name)
    if known and len(paths) != known.pictures:
        problems.append(f"{found.hr} has {len(paths)} pictures; {found.name} has {known.pictures}")

    def check(path: Path) -> tuple[dict[int, bool], list[str]]:
        outcome = _check_picture(found, path)
        if on_picture:
            on_picture()
        return outcome

    fitting: dict[int, list[bool]] = {}
    with reading_threads() as pool:
        for identical, of_picture in pool.map(check, paths):
            problems += of_picture
            for scale, same in identical.items():
                fitting.setdefault(scale, []).append(same)
    return SetCheck(
        name=found.name,
        pictures=len(paths),
        expected=known.pictures if known else None,
        lr={scale: SmallPictures(len(same), sum(same)) for scale, same in sorted(fitting.items())},
        problems=tuple(problems),
    )


def _check_picture(found: PictureSet, path: Path) -> tuple[dict[int, bool], list[str]]:
    """Whether the small versions that fit are MATLAB's, by scale; and the problems."""
    try:
        picture = read_picture(path)
    except HnasError as error:
        return {}, [str(error)]
    identical, problems = {}, []
    for scale in SCALES:
        lr_path = found.lr_path(path, scale)
        if lr_path is None:
            continue
        try:
            hr, lr = crop_to_multiple(picture, scale, name=str(path)), read_picture(lr_path)
            check_fit(lr, hr, scale, lr_path)
        except HnasError as error:
            problems.append(str(error))
        else:
            identical[scale] = bool(np.array_equal(lr, shrink(hr, scale)))
    return identical, problems
