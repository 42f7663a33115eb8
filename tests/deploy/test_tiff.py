"""TIFFs as their tags say (TIFF 6.0): bits, kinds of values, what values beyond the colours mean, several pages."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hnas.deploy.pictures.reading import open_picture
from hnas.errors import HnasError

tifffile = pytest.importorskip("tifffile", reason="needs the extra deep")
pytest.importorskip("imagecodecs", reason="needs the extra deep")

RNG = np.random.default_rng(0)


def _tiff(*pages: tuple[np.ndarray, dict[str, object]], big: bool = False, order: str = "<") -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=big, byteorder=order) as writer:
        for array, options in pages:
            writer.write(array, metadata=None, **{"photometric": "minisblack", "planarconfig": None, **options})
    return buffer.getvalue()


def _colours(dtype: type, channels: int = 3) -> np.ndarray:
    return RNG.integers(0, np.iinfo(dtype).max + 1, (6, 9, channels)).astype(dtype)


def _packed(values: np.ndarray, bits: int, order: str) -> bytes:
    """A gray TIFF written by hand: values follow each other bit by bit, the highest first, in either byte order."""
    height, width = values.shape
    strip = np.packbits((values[..., None] >> np.arange(bits)[::-1] & 1).astype(np.uint8).reshape(height, -1), axis=1)
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: strip.size}
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags.items())
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + strip.size)
    return head + strip.tobytes() + directory


RGB = {"photometric": "rgb", "planarconfig": "contig"}


@pytest.mark.parametrize("bits", [9, 10, 12, 14])
@pytest.mark.parametrize("order", ["<", ">"])
def test_values_are_scaled_by_the_bits_that_the_file_states(bits: int, order: str) -> None:
    most = 2**bits - 1
    values = np.linspace(0, most, 48).round().astype(np.uint16).reshape(6, 8)
    read = open_picture(_packed(values, bits, order)).pixels
    assert read.dtype == np.uint16
    np.testing.assert_allclose(read, values / most * 65_535, atol=0.51)


def test_twelve_bits_of_colour() -> None:
    values = (_colours(np.uint16) >> 4).astype(np.uint16)
    read = open_picture(_tiff((values, {**RGB, "bitspersample": 12}))).pixels
    np.testing.assert_allclose(read, values / 4095 * 65_535, atol=0.51)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("big", [False, True])
def test_a_fourth_value_is_opacity_only_where_the_file_says_so(dtype: type, big: bool) -> None:
    array = _colours(dtype, 4)
    read = open_picture(_tiff((array, {**RGB, "extrasamples": ["unspecified"]}), big=big))
    np.testing.assert_array_equal(read.pixels, array[..., :3])
    assert read.alpha is None
    assert read.notes == ("values beyond its colours that it does not call opacity are left out",)
    read = open_picture(_tiff((array, {**RGB, "extrasamples": ["unassalpha"]}), big=big))
    np.testing.assert_array_equal(read.alpha, array[..., 3])
    assert read.notes == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("subfile", [1, 3])
def test_a_thumbnail_or_mask_before_the_picture_is_passed_over(dtype: type, subfile: int) -> None:
    picture, small = _colours(dtype), _colours(dtype)[:5, :6]
    read = open_picture(_tiff((small, {**RGB, "subfiletype": subfile}), (picture, RGB)))
    np.testing.assert_array_equal(read.pixels, picture)
    assert read.notes == ("its thumbnail or mask is left out",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_further_pages_are_said(dtype: type) -> None:
    pages = [_colours(dtype) for _ in range(3)]
    read = open_picture(_tiff(*((page, {**RGB, "subfiletype": 2}) for page in pages)))
    np.testing.assert_array_equal(read.pixels, pages[0])
    assert read.notes == ("only the first of its 3 pictures is enlarged",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_planes_one_after_the_other(dtype: type, planar: str) -> None:
    array = _colours(dtype)
    stored = np.moveaxis(array, 2, 0) if planar == "separate" else array
    read = open_picture(_tiff((stored, {"photometric": "rgb", "planarconfig": planar})))
    np.testing.assert_array_equal(read.pixels, array)


def test_white_is_zero() -> None:
    values = _colours(np.uint16, 1)[..., 0]
    read = open_picture(_tiff((values, {"photometric": "miniswhite"})))
    np.testing.assert_array_equal(read.pixels, 65_535 - values)


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (np.zeros((6, 9, 3), np.float32), RGB, "32-bit float RGB TIFF is not handled"),
        (np.zeros((6, 9), np.float16), {}, "16-bit float gray TIFF is not handled"),
        (np.zeros((6, 9), np.float64), {}, "64-bit float gray TIFF is not handled"),
        (np.zeros((6, 9), np.uint32), {}, "32-bit gray TIFF is not handled"),
        (np.zeros((6, 9), np.int16), {}, "16-bit signed gray TIFF is not handled"),
        (np.zeros((6, 9), np.int8), {}, "8-bit signed gray TIFF is not handled"),
        (np.zeros((6, 9, 4), np.uint16), {"photometric": "separated"}, "16-bit CMYK TIFF is not handled"),
        (np.zeros((6, 9, 3), np.uint16), {"photometric": "cielab"}, "16-bit Lab colour TIFF is not handled"),
    ],
)  # fmt: skip
def test_what_is_not_handled_is_refused_by_its_name(
    array: np.ndarray, options: dict[str, object], message: str
) -> None:
    planar = "contig" if array.ndim == 3 else None
    with pytest.raises(HnasError, match=message):
        open_picture(_tiff((array, {"planarconfig": planar, **options})), "x.tif")


@pytest.mark.parametrize(
    "name",
    ["float32", "gray12", "multi16", "rgb16_unspec", "rgb16_unspec_zero", "thumb_first16", "thumb_first8"],
)
def test_files_made_elsewhere(shared_cases: Path, name: str) -> None:
    """Against tifffile and the file's own tags."""
    path = shared_cases / "pictures" / f"t_{name}.tif"
    with tifffile.TiffFile(path) as file:
        page = next((page for page in file.pages if not page.subfiletype & 1), file.pages[0])
        array, most = page.asarray(), 2**page.bitspersample - 1
        said_alpha = {1, 2} & {int(value) for value in page.extrasamples}
    if page.dtype.kind == "f":
        with pytest.raises(HnasError, match=r"t_float32\.tif: 32-bit float .* TIFF is not handled"):
            open_picture(path)
        return
    read = open_picture(path)
    assert (read.alpha is not None) == bool(said_alpha)
    full = np.iinfo(read.pixels.dtype).max
    colours = array[..., :3] if array.ndim == 3 else array
    np.testing.assert_allclose(read.pixels, colours / most * full, atol=0.51)


def test_eight_bits_need_no_further_package(monkeypatch: pytest.MonkeyPatch) -> None:
    array = _colours(np.uint8)
    data = _tiff((array[:4], {**RGB, "subfiletype": 1}), (array, RGB))
    monkeypatch.setattr("hnas.deploy.pictures.tiff.need", lambda name: pytest.fail(f"asked for {name}"))
    np.testing.assert_array_equal(open_picture(data).pixels, array)
    assert Image.open(io.BytesIO(data)).size == (9, 4)  # what Pillow by itself takes for the picture
