"""What every kind of degradation promises."""

from __future__ import annotations

import numpy as np

from hnas.conformance.checks import promise
from hnas.data.degradations import DEGRADATIONS
from hnas.data.pictures import Pixels

#: Height and width: usual ones, odd ones, and the smallest there are.
_SIZES = ((24, 17), (8, 8), (1, 1))


def _noise(size: tuple[int, int]) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


def _ends(name: str) -> tuple[float, float]:
    return DEGRADATIONS[name].least, DEGRADATIONS[name].most


def it_keeps_the_size_and_the_type(name: str) -> None:
    """Whatever the size, over the whole range of its values."""
    for size in _SIZES:
        for value in _ends(name):
            picture = DEGRADATIONS[name].apply(_noise(size), value, np.random.default_rng(1))
            found, wanted = (picture.shape, picture.dtype), ((*size, 3), np.dtype(np.uint8))
            promise(found == wanted, f"{name}:{value:g} makes {found} of {wanted}")


def it_leaves_the_picture_that_it_is_given_as_it_is(name: str) -> None:
    """One picture has many copies; it is not changed in place."""
    for value in _ends(name):
        picture = _noise(_SIZES[0])
        DEGRADATIONS[name].apply(picture, value, np.random.default_rng(1))
        promise(np.array_equal(picture, _noise(_SIZES[0])), f"{name}:{value:g} changes the picture that it is given")


def a_generator_decides_everything(name: str) -> None:
    """Equal seeds make equal copies, whatever global generators did."""
    for value in _ends(name):
        np.random.seed(1)  # noqa: NPY002 - what is not to be used
        first = DEGRADATIONS[name].apply(_noise(_SIZES[0]), value, np.random.default_rng(2))
        np.random.seed(2)  # noqa: NPY002
        second = DEGRADATIONS[name].apply(_noise(_SIZES[0]), value, np.random.default_rng(2))
        promise(np.array_equal(first, second), f"{name}:{value:g} is another picture from the same seed")


def it_does_something(name: str) -> None:
    """At one end of its range at least."""
    made = [DEGRADATIONS[name].apply(_noise(_SIZES[0]), value, np.random.default_rng(3)) for value in _ends(name)]
    promise(not all(np.array_equal(one, _noise(_SIZES[0])) for one in made), f"{name} changes nothing")


PROMISES = (
    it_keeps_the_size_and_the_type,
    it_leaves_the_picture_that_it_is_given_as_it_is,
    a_generator_decides_everything,
    it_does_something,
)
