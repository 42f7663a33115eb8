"""Pictures of every kind, in and out; the expected values come from Pillow, tifffile and the formats' own rules."""

from __future__ import annotations

import io
import zlib
from contextlib import suppress
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps
from PIL.ExifTags import IFD, Base

from hnas.deploy.pictures.formats import FORMATS
from hnas.deploy.pictures.losses import losses
from hnas.deploy.pictures.picture import Metadata, Picture
from hnas.deploy.pictures.reading import MAX_PIXELS, open_picture
from hnas.deploy.pictures.writing import save_picture
from hnas.errors import HnasError

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (6, 9, 3), np.uint8)
GRAY = RNG.integers(0, 256, (6, 9), np.uint8)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def _written(picture: Picture, format: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    save_picture(buffer, picture, FORMATS[format], **options)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "WEBP"])
@pytest.mark.parametrize("pixels", [RGB, GRAY], ids=["rgb", "gray"])
def test_what_is_written_without_loss_is_read_back(format: str, pixels: np.ndarray) -> None:
    data = _written(Picture(pixels), format, quality=100)
    read = open_picture(data)
    expected = np.dstack([pixels] * 3) if format == "WEBP" and pixels.ndim == 2 else pixels  # WebP has no gray
    np.testing.assert_array_equal(read.pixels, expected)
    assert read.alpha is None
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), expected)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 3)], ids=["gray", "rgb"])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_sixteen_bits_stay_sixteen(format: str, shape: tuple[int, ...], with_alpha: bool) -> None:
    pixels = RNG.integers(0, 65_536, shape, np.uint16)
    alpha = RNG.integers(0, 65_536, shape[:2], np.uint16) if with_alpha else None
    data = _written(Picture(pixels, alpha), format)
    other_reader = imagecodecs.png_decode(data) if format == "PNG" else tifffile.imread(io.BytesIO(data))
    np.testing.assert_array_equal(other_reader.reshape(6, 9, -1)[..., 0], pixels.reshape(6, 9, -1)[..., 0])
    read = open_picture(data)
    if format == "TIFF" and with_alpha and len(shape) == 2:  # written as colour
        pixels = np.dstack([pixels] * 3)
    np.testing.assert_array_equal(read.pixels, pixels)
    if with_alpha:
        np.testing.assert_array_equal(read.alpha, alpha)
    else:
        assert read.alpha is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_orientation_is_applied_once(orientation: int, format: str) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    options = {"lossless": True} if format == "WEBP" else {}
    data = _saved(Image.fromarray(RGB), format, exif=exif, **options)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    read = open_picture(data)
    np.testing.assert_array_equal(read.pixels, upright)
    again = open_picture(_written(read, format, quality=100))
    np.testing.assert_array_equal(again.pixels, upright)


def test_orientation_of_sixteen_bits() -> None:
    pixels = RNG.integers(0, 65_536, (6, 9, 3), np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, photometric="rgb", extratags=[(274, 3, 1, 6, True)])
    np.testing.assert_array_equal(open_picture(buffer.getvalue()).pixels, np.rot90(pixels, -1))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_profile_and_metadata_are_kept(format: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[Base.Artist] = "Jane Doe"
    exif[Base.Orientation] = 6
    exif.get_ifd(IFD.Exif)[Base.ExifImageWidth] = 9
    exif.get_ifd(IFD.Exif)[Base.LensModel] = "50mm"
    exif.get_ifd(IFD.GPSInfo)[1] = "N"
    source = _saved(Image.fromarray(RGB), format, exif=exif.tobytes(), icc_profile=profile, dpi=(300, 300))
    read = open_picture(source)
    larger = Picture(read.pixels.repeat(2, 0).repeat(2, 1), None, read.metadata)
    image = Image.open(io.BytesIO(_written(larger, format)))
    assert image.info["icc_profile"] == profile
    kept = image.getexif()
    assert kept[Base.Artist] == "Jane Doe"
    assert kept.get(Base.Orientation, 1) == 1
    assert kept.get_ifd(IFD.Exif)[Base.LensModel] == "50mm"
    assert kept.get_ifd(IFD.Exif)[Base.ExifImageWidth] == 12  # turned by a quarter: 6 wide, then doubled
    assert kept.get_ifd(IFD.GPSInfo)[1] == "N"
    if format != "WEBP":
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_metadata_of_sixteen_bits_is_kept() -> None:
    text = (("Title", "Grüße"),)
    metadata = Metadata(tags={Base.Artist: "Jane Doe"}, xmp=b"<x:xmpmeta/>", text=text, dpi=(300.0, 300.0))
    picture = Picture(RGB.astype(np.uint16) * 257, None, metadata)
    png = open_picture(_written(picture, "PNG")).metadata
    assert (png.tags[Base.Artist], png.xmp, png.text) == ("Jane Doe", b"<x:xmpmeta/>", text)
    assert png.dpi == pytest.approx((300, 300), abs=0.1)
    tiff = open_picture(_written(picture, "TIFF")).metadata
    assert (tiff.tags[Base.Artist], tiff.xmp, tiff.dpi) == ("Jane Doe", b"<x:xmpmeta/>", (300.0, 300.0))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_xmp_is_kept_and_its_orientation_reset(format: str) -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    picture = Picture(RGB, None, Metadata(xmp=packet))
    kept = open_picture(_written(picture, format)).metadata.xmp
    # Pillow itself takes the attribute out of a TIFF's packet when it applies the orientation.
    assert kept in (packet.replace(b'"6"', b'"1"'), packet.replace(b'tiff:Orientation="6"', b""))


def test_palette_with_a_transparent_entry() -> None:
    image = Image.fromarray(RGB).quantize(8)
    data = _saved(image, "PNG", transparency=3)
    read = open_picture(data)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    np.testing.assert_array_equal(read.pixels, expected[..., :3])
    np.testing.assert_array_equal(read.alpha, expected[..., 3])
    assert 0 in expected[..., 3]


@pytest.mark.parametrize("mode", ["1", "LA", "RGBA", "P"])
def test_other_modes(mode: str) -> None:
    image = Image.fromarray(RNG.integers(0, 256, (6, 9, 4), np.uint8)).convert("RGB" if mode == "P" else "RGBA")
    image = image.convert(mode)
    read = open_picture(_saved(image, "PNG"))
    assert (read.alpha is not None) == (mode in ("LA", "RGBA"))
    assert read.pixels.shape == ((6, 9) if mode in ("1", "LA") else (6, 9, 3))


def test_cmyk_is_converted_with_a_word() -> None:
    image = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    read = open_picture(_saved(image, "JPEG", quality=100))
    assert read.notes == ("converted from CMYK to sRGB",)
    np.testing.assert_allclose(read.pixels[4, 4], [0, 255, 255], atol=3)


def test_premultiplied_tiff_colours_are_divided() -> None:
    alpha = np.full((4, 4, 1), 32_768, np.uint16)
    array = np.dstack([np.full((4, 4, 3), 16_384, np.uint16), alpha])
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, photometric="rgb", extrasamples=["assocalpha"])
    np.testing.assert_allclose(open_picture(buffer.getvalue()).pixels, 32_767.5, atol=1)


def test_losses_are_named() -> None:
    deep = Picture(RGB.astype(np.uint16) * 257, GRAY.astype(np.uint16) * 257)
    assert losses(deep, FORMATS["PNG"]) == losses(deep, FORMATS["TIFF"]) == ()
    assert [text.split(":")[0] for text in losses(deep, FORMATS["JPEG"])] == [
        "JPEG holds 8 bits",
        "JPEG holds no transparency",
    ]


def test_transparency_is_laid_on_white_for_jpeg() -> None:
    picture = Picture(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8))
    assert np.asarray(Image.open(io.BytesIO(_written(picture, "JPEG")))).min() >= 254


def test_eight_bits_of_sixteen_are_the_nearest() -> None:
    values = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    written = np.asarray(Image.open(io.BytesIO(_written(Picture(values), "BMP"))))
    np.testing.assert_array_equal(written, np.rint(values / 257))


def test_too_large_for_webp() -> None:
    with pytest.raises(HnasError, match=r"16384x1 is too large for WEBP \(at most 16383 a side\); use --ext png"):
        _written(Picture(np.zeros((1, 16_384), np.uint8)), "WEBP")


def _png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    data = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.png: the file is empty"),
        (b"hello world, this is no picture", "x.png: not a picture that can be read; allowed are PNG, JPEG"),
        (_saved(Image.fromarray(RGB).resize((200, 200)), "PNG")[:900], "x.png: damaged or truncated"),
        (_saved(Image.fromarray(RGB).resize((200, 200)), "JPEG")[:900], "x.png: damaged or truncated"),
        (_saved(Image.fromarray(RGB).resize((200, 200)), "WEBP")[:900], "x.png: damaged or truncated"),
        (_saved(Image.fromarray(RGB).resize((200, 200)), "TIFF")[:900], "x.png: damaged or truncated"),
        (_written(Picture(np.ones((99, 99, 3), np.uint16)), "PNG")[:150], "x.png: damaged or truncated"),
        (_png_that_claims(100_000, 100_000), "x.png: refused as a possible decompression bomb"),
        (_png_that_claims(20_000, 10_000), f"at most {MAX_PIXELS:,} pixels"),
        (_png_that_claims(13_000, 13_000), "x.png: damaged or truncated"),
        (_saved(Image.new("F", (4, 4)), "TIFF"), "x.png: 32-bit float gray TIFF is not handled"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(data)
    with pytest.raises(HnasError) as error:
        open_picture(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(HnasError, match=r"none\.png: No such file"):
        open_picture(tmp_path / "none.png")


_TINY_JPEG_XL = imagecodecs.jpegxl_encode(RGB, lossless=True) if imagecodecs.JPEGXL.available else b"\xff\x0a"
_SEEDS = [
    _saved(Image.fromarray(RGB), "GIF"), _saved(Image.fromarray(RGB), "TGA"), _saved(Image.fromarray(RGB), "JPEG2000"),
    imagecodecs.jpeg2k_encode(RGB.astype(np.uint16) * 16, level=0, bitspersample=12), _TINY_JPEG_XL,
    _saved(Image.fromarray(RGB), "PNG"), _saved(Image.fromarray(RGB), "JPEG"), _saved(Image.fromarray(RGB), "WEBP"),
    _saved(Image.fromarray(RGB), "TIFF", compression="tiff_lzw"), _saved(Image.fromarray(RGB), "BMP"),
    _written(Picture(RGB.astype(np.uint16) * 257), "PNG"), _written(Picture(RGB.astype(np.uint16) * 257), "TIFF"),
]  # fmt: skip


@given(st.sampled_from(_SEEDS), st.integers(0, 10_000), st.integers(0, 255), st.booleans())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_are_read_or_refused_but_never_crash(data: bytes, place: int, value: int, cut: bool) -> None:
    place %= len(data)
    damaged = data[:place] if cut else data[:place] + bytes([value]) + data[place + 1 :]
    with suppress(HnasError):
        assert open_picture(damaged, "x.tga").pixels.dtype in (np.uint8, np.uint16)
