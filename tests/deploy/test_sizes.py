"""Any size, by the next network and an antialiased resize."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from hnas.deploy.enlarge.sizes import SizedUpscaler, Wanted, parse_size, resized, scales_for
from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.pictures.picture import Picture
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.errors import HnasError
from tests.deploy.example import bicubic_network


@pytest.mark.parametrize(
    ("factor", "scales"),
    [("1", []), ("3/2", [2]), ("2", [2]), ("5/2", [3]), ("4", [4]), ("6", [4, 2]), ("9", [4, 3]), ("16", [4, 4])],
)
def test_networks_one_after_the_other(factor: str, scales: list[int]) -> None:
    assert scales_for(Fraction(factor), (2, 3, 4)) == scales


@pytest.mark.parametrize(
    ("text", "size"), [("1920x", (1920, 1440)), ("x1080", (1440, 1080)), ("1920x1080", (1440, 1080))]
)
def test_sizes_keep_the_proportions(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text).size(640, 480) == size


@pytest.mark.parametrize("text", ["x", "1920", "0x5", "-1x", "1920x1080x2", "axb", ""])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(HnasError, match="write 1920x for a width"):
        parse_size(text)


def test_pictures_never_become_smaller() -> None:
    with pytest.raises(HnasError, match=r"640x480 would become 0\.5 times as large"):
        parse_size("320x").size(640, 480)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_the_picture_is_that_of_the_network_made_smaller(dtype: type, with_alpha: bool) -> None:
    most = np.iinfo(dtype).max
    random = np.random.default_rng(0)
    pixels = random.integers(most // 4, most // 2, (20, 30, 3)).astype(dtype)  # far from where passes are clipped
    alpha = random.integers(most // 4, most // 2, (20, 30)).astype(dtype) if with_alpha else None
    network = Upscaler(TorchBackend(bicubic_network()))
    made = SizedUpscaler(lambda scale: network, (2,), Wanted(Fraction(3, 2))).upscale_picture(Picture(pixels, alpha))
    assert made.pixels.shape == (30, 45, 3)
    assert made.pixels.dtype == dtype
    large = network.upscale_picture(Picture(pixels, alpha))
    for plane, whole in ((made.pixels[..., 1], large.pixels[..., 1]), (made.alpha, large.alpha)):
        if plane is not None and whole is not None:
            image = Image.fromarray(whole.astype(np.float32)).resize((45, 30), Image.Resampling.LANCZOS)
            assert np.abs(plane - np.clip(np.asarray(image), 0, most)).max() <= 2


def test_a_resize_is_antialiased() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (16, 16))
    assert np.abs(resized(stripes, (8, 16)).astype(int)[:, 1:-1] - 127).max() < 16
