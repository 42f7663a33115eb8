"""The photographs inside scikit-image."""

from __future__ import annotations

import socket

import numpy as np
import pytest

from hnas.data.sample import HELD_OUT, sample_pictures


def test_all_are_there_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("the sample went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    pictures = sample_pictures()
    assert set(HELD_OUT) < set(pictures)
    # Sizes as scikit-image's documentation gives them.
    assert pictures["coffee"].shape == (400, 600, 3)
    assert pictures["chelsea"].shape == (300, 451, 3)
    assert pictures["astronaut"].shape == (512, 512, 3)
    for name, picture in pictures.items():
        assert picture.dtype == np.uint8
        assert min(picture.shape[:2]) >= 300, name
        assert picture.std() > 10, name
