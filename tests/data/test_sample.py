"""The photographs inside the package."""

from __future__ import annotations

import socket

import numpy as np
import pytest
from skimage import data

from hnas.data.sample import HELD_OUT, PHOTOGRAPHS, sample_pictures


def test_all_are_there_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("the sample went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    pictures = sample_pictures()
    assert set(HELD_OUT) < set(pictures)
    # Sizes as scikit-image's documentation gives them, whose pictures these are.
    assert pictures["coffee"].shape == (400, 600, 3)
    assert pictures["chelsea"].shape == (300, 451, 3)
    assert pictures["astronaut"].shape == (512, 512, 3)
    for name, picture in pictures.items():
        assert picture.dtype == np.uint8
        assert min(picture.shape[:2]) >= 300, name
        assert picture.std() > 10, name


@pytest.mark.parametrize("name", HELD_OUT)
def test_what_is_measured_on_is_scikit_images_to_the_bit(name: str) -> None:
    np.testing.assert_array_equal(sample_pictures()[name], getattr(data, name)())


def test_terms_of_every_photograph_are_written_down() -> None:
    text = (PHOTOGRAPHS / "LICENCES.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert rows.keys() == {path.name for path in PHOTOGRAPHS.iterdir() if path.suffix != ".md"}
    assert all(row.rstrip(" |").endswith(("CC0", "public domain")) for row in rows.values())
