"""What a picture carries besides its pixels is kept, or its loss is said; Pillow and tifffile read it back."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base

from hnas.deploy.pictures.formats import FORMATS
from hnas.deploy.pictures.losses import losses
from hnas.deploy.pictures.picture import Metadata, Picture
from hnas.deploy.pictures.reading import open_picture
from hnas.deploy.pictures.writing import save_picture

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
GRAY = RGB[..., 0]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
#: A caption: record 2, data set 120 (IPTC-IIM 4.2).
IPTC = b"\x1c\x02x\x00\x07caption"
#: Gamma 1 and the primaries of ITU-R BT.2020; PQ with those primaries (ITU-T H.273: 9, 16, identity, full range).
CHUNKS = (
    (b"gAMA", struct.pack(">I", 100_000)),
    (b"cHRM", struct.pack(">8I", 31_270, 32_900, 70_800, 29_200, 17_000, 79_700, 13_100, 4_600)),
    (b"cICP", bytes([9, 16, 0, 1])),
)


def _written(picture: Picture, format: str) -> bytes:
    buffer = io.BytesIO()
    save_picture(buffer, picture, FORMATS[format])
    return buffer.getvalue()


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """Those of a PNG before its pixels, with their sums checked."""
    found, place = {}, 8
    while data[place + 4 : place + 8] != b"IDAT":
        (length,) = struct.unpack_from(">I", data, place)
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", data, place + 8 + length) == (zlib.crc32(kind + body),)
        found[kind] = body
        place += 12 + length
    return found


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_the_values_of_a_png_mean_is_kept(dtype: type) -> None:
    picture = Picture(RGB.astype(dtype), metadata=Metadata(colour_chunks=CHUNKS))
    data = _written(picture, "PNG")
    assert _chunks(data).items() >= dict(CHUNKS).items()
    image = Image.open(io.BytesIO(data))
    assert image.info["gamma"] == 1.0
    assert image.info["chromaticity"][:4] == (0.3127, 0.329, 0.708, 0.292)
    np.testing.assert_array_equal(np.asarray(image), RGB if dtype == np.uint8 else np.asarray(image))
    assert open_picture(data).metadata.colour_chunks == CHUNKS
    assert not losses(picture, FORMATS["PNG"])
    for format in ("JPEG", "WEBP", "TIFF"):
        assert f"{format} holds no gamma, primaries or transfer function: left out" in losses(picture, FORMATS[format])


@pytest.mark.parametrize("name", ["gama_linear.png", "cicp_pq16.png"])
def test_colour_of_files_made_elsewhere(shared_cases: Path, name: str) -> None:
    data = (shared_cases / "pictures" / name).read_bytes()
    meaning = {b"gAMA", b"cHRM", b"cICP", b"sRGB"}
    before = {kind: body for kind, body in _chunks(data).items() if kind in meaning}
    after = _chunks(_written(open_picture(data), "PNG"))
    assert before
    assert after.items() >= before.items()


def _exif() -> Metadata:
    camera = {Base.LensModel: "50mm", Base.ExifImageWidth: 3, Base.FNumber: 2.8}
    position = {1: "N", 2: (52.0, 31.0, 12.5)}
    return Metadata(tags={Base.Artist: "Jörg Doe"}, camera=camera, position=position, iptc=IPTC, dpi=(300.0, 300.0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("gray", [False, True])
def test_camera_and_place_are_kept(format: str, dtype: type, gray: bool) -> None:
    pixels = (GRAY if gray else RGB).astype(dtype)
    data = _written(Picture(pixels, metadata=_exif()), format)
    kept = Image.open(io.BytesIO(data)).getexif()
    camera, position = kept.get_ifd(IFD.Exif), kept.get_ifd(IFD.GPSInfo)
    assert (camera[Base.LensModel], camera[Base.ExifImageWidth]) == ("50mm", 9)
    assert float(camera[Base.FNumber]) == pytest.approx(2.8)
    assert position[1] == "N"
    assert [float(value) for value in position[2]] == [52.0, 31.0, 12.5]
    assert open_picture(data).metadata.tags[Base.Artist] == "Jörg Doe"
    np.testing.assert_array_equal(open_picture(data).pixels, pixels)


def test_camera_and_place_of_a_file_made_elsewhere(shared_cases: Path) -> None:
    source = Image.open(shared_cases / "pictures" / "exif16.png").getexif()
    data = _written(open_picture(shared_cases / "pictures" / "exif16.png"), "TIFF")
    kept = Image.open(io.BytesIO(data)).getexif()
    for pointer in (IFD.Exif, IFD.GPSInfo):
        assert source.get_ifd(pointer)
        assert kept.get_ifd(pointer) == source.get_ifd(pointer)
    assert kept[Base.Copyright] == source[Base.Copyright]


def _captioned(comment: bytes = b"hello") -> bytes:
    resource = b"8BIM" + struct.pack(">HHI", 1028, 0, len(IPTC)) + IPTC + bytes(len(IPTC) % 2)
    body = b"Photoshop 3.0\0" + resource
    buffer = io.BytesIO()
    segment = b"\xff\xed" + struct.pack(">H", len(body) + 2) + body
    Image.fromarray(RGB).save(buffer, "JPEG", comment=comment, extra=segment)
    return buffer.getvalue()


def test_captions_and_comments(tmp_path: Path) -> None:
    picture = open_picture(_captioned())
    jpeg = Image.open(io.BytesIO(_written(picture, "JPEG")))
    assert jpeg.info["photoshop"][1028] == IPTC
    assert jpeg.info["comment"] == b"hello"
    assert not losses(picture, FORMATS["JPEG"])
    png = Image.open(io.BytesIO(_written(picture, "PNG")))
    assert png.text["Comment"] == "hello"  # a keyword that the PNG specification registers
    assert losses(picture, FORMATS["PNG"]) == ("PNG holds no IPTC: left out",)
    tiff = Image.open(io.BytesIO(_written(picture, "TIFF")))
    assert bytes(tiff.tag_v2[33_723]) == IPTC
    assert losses(picture, FORMATS["TIFF"]) == ("TIFF holds no comment: left out",)
    assert losses(picture, FORMATS["WEBP"]) == ("WEBP holds no IPTC, comment: left out",)
    assert open_picture(_written(picture, "TIFF")).metadata.iptc == IPTC


def test_the_caption_of_a_file_made_elsewhere(shared_cases: Path) -> None:
    path = shared_cases / "pictures" / "iptc.jpg"
    before, after = Image.open(path), Image.open(io.BytesIO(_written(open_picture(path), "JPEG")))
    assert after.info["photoshop"][1028] == before.info["photoshop"][1028]
    assert after.info["comment"] == before.info["comment"]
    assert after.info["xmp"] == before.info["xmp"]


def test_opacity_in_a_bitmap_is_laid_on_white_and_said() -> None:
    picture = Picture(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8))
    assert losses(picture, FORMATS["BMP"]) == ("BMP holds no transparency: laid on white",)
    image = Image.open(io.BytesIO(_written(picture, "BMP")))
    assert image.mode == "RGB"
    assert np.asarray(image).min() == 255


@pytest.mark.parametrize(
    ("pixels", "format", "fits"),
    [(RGB, "PNG", True), (GRAY, "PNG", False), (GRAY, "JPEG", False), (GRAY, "TIFF", False), (GRAY, "WEBP", True)],
    ids=["rgb-png", "gray-png", "gray-jpeg", "gray-tiff", "gray-webp"],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_profile_of_another_colour_space_is_not_written(
    pixels: np.ndarray, format: str, fits: bool, dtype: type
) -> None:
    """WebP has no gray, so gray pixels become RGB there and a profile of RGB describes them."""
    picture = Picture(pixels.astype(dtype), metadata=Metadata(icc_profile=SRGB))
    image = Image.open(io.BytesIO(_written(picture, format)))
    assert ("icc_profile" in image.info) == fits
    said = "its colour profile is for RGB pixels and these are gray: left out"
    assert (said in losses(picture, FORMATS[format])) != fits


def test_what_is_too_long_for_a_jpeg_is_left_out_with_a_word() -> None:
    long = b"x" * 70_000
    metadata = Metadata(xmp=long, iptc=long, comment=long, tags={Base.Artist: "x" * 70_000})
    picture = Picture(RGB, metadata=metadata)
    assert losses(picture, FORMATS["JPEG"]) == ("XMP, IPTC, comment, EXIF too long for a JPEG: left out",)
    assert "exif" not in Image.open(io.BytesIO(_written(picture, "JPEG"))).info
    kept = open_picture(_written(picture, "TIFF")).metadata
    assert (kept.xmp, kept.iptc, kept.tags) == (long, long, metadata.tags)


def test_text_that_is_not_ascii_keeps_its_bytes() -> None:
    """EXIF is read by its bytes: UTF-8, as many programs write it, comes out as it went in."""
    exif = Image.Exif()
    exif[Base.Artist] = "Jörg".encode()
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "JPEG", exif=exif)
    for format in ("JPEG", "PNG", "WEBP", "TIFF"):
        data = _written(open_picture(buffer.getvalue()), format)
        assert "Jörg".encode() in (Image.open(io.BytesIO(data)).info.get("exif") or data)
