"""Formats that people have: every one that is read, and those of several pictures that move."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence, features

from hnas.deploy.enlarge.files import upscale_file, upscale_stream
from hnas.deploy.enlarge.planning import Job
from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.pictures.animation import read_animation
from hnas.deploy.pictures.formats import ENDINGS, FORMATS
from hnas.deploy.pictures.losses import losses
from hnas.deploy.pictures.picture import Picture
from hnas.deploy.pictures.reading import open_picture
from hnas.deploy.pictures.writing import save_picture
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.errors import HnasError
from tests.deploy.example import bicubic_network

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (24, 40, 3), np.uint8)
ALPHA = RNG.integers(0, 256, (24, 40), np.uint8)
SMOOTH = np.indices((24, 40)).sum(0).astype(np.uint8)[..., None].repeat(3, 2) * 3


def _saved(array: np.ndarray, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format, **options)
    return buffer.getvalue()


def _written(picture: Picture, format: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    save_picture(buffer, picture, FORMATS[format], **options)
    return buffer.getvalue()


needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
needs_jpeg_2000 = pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow has no JPEG 2000")


@pytest.mark.parametrize(
    "format", ["GIF", "TGA", pytest.param("AVIF", marks=needs_avif), pytest.param("JPEG2000", marks=needs_jpeg_2000)]
)
@pytest.mark.parametrize("with_alpha", [False, True])
def test_what_pillow_writes_is_read_and_what_is_written_pillow_reads(format: str, with_alpha: bool) -> None:
    array = np.dstack([SMOOTH, np.where(ALPHA > 127, 255, 0).astype(np.uint8)]) if with_alpha else SMOOTH
    data = _saved(array, format, **({"lossless": True} if format == "AVIF" else {}))
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    read = open_picture(data, f"x{FORMATS[format].endings[0]}")
    seen = expected[..., 3] > 0
    np.testing.assert_array_equal(
        (read.pixels if read.pixels.ndim == 3 else np.dstack([read.pixels] * 3))[seen], expected[..., :3][seen]
    )
    assert (read.alpha is not None) == with_alpha
    back = Image.open(io.BytesIO(_written(Picture(array[..., :3], array[..., 3] if with_alpha else None), format)))
    assert (back.format, back.size) == (format, (40, 24))
    again = np.asarray(back.convert("RGBA"))
    np.testing.assert_array_equal(again[..., 3], array[..., 3] if with_alpha else 255)
    assert np.abs(again[..., :3].astype(int) - array[..., :3])[again[..., 3] > 0].mean() < 4


def test_a_tga_without_a_mark_is_known_by_its_ending(tmp_path: Path) -> None:
    data = _saved(RGB, "TGA")
    bare = data[: data.rindex(b"TRUEVISION-XFILE") - 8]
    np.testing.assert_array_equal(open_picture(bare, "x.tga").pixels, RGB)
    with pytest.raises(HnasError, match="not a picture"):
        open_picture(bare, "x.dat")


@needs_jpeg_2000
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_bits_of_jpeg_2000(bits: int) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="needs the extra deep")
    kind = np.uint8 if bits == 8 else np.uint16
    values = RNG.integers(0, 2**bits, (24, 40, 3)).astype(kind)
    data = imagecodecs.jpeg2k_encode(values, level=0, bitspersample=bits)
    read = open_picture(data).pixels
    full = np.iinfo(kind).max
    np.testing.assert_allclose(read, values / (2**bits - 1) * full, atol=0.51)


@pytest.mark.parametrize("bits", [8, 10, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(24, 40), (13, 21), (24, 32)])
def test_jpeg_xl(bits: int, channels: int, size: tuple[int, int]) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="needs the extra deep")
    if not imagecodecs.JPEGXL.available:
        pytest.skip("this imagecodecs has no JPEG XL")
    kind = np.uint8 if bits == 8 else np.uint16
    values = RNG.integers(0, 2**bits, (*size, channels)).astype(kind)
    values = values[..., 0] if channels == 1 else values
    read = open_picture(imagecodecs.jpegxl_encode(values, lossless=True, bitspersample=bits))
    wanted = values / (2**bits - 1) * np.iinfo(kind).max
    np.testing.assert_allclose(read.pixels, wanted[..., :3] if channels > 1 else wanted, atol=0.51)
    if channels == 4:
        np.testing.assert_allclose(read.alpha, wanted[..., 3], atol=0.51)
    assert read.notes == ("its colour profile and metadata are not read",)


def test_jpeg_xl_of_floating_point_is_refused_by_its_name() -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="needs the extra deep")
    data = imagecodecs.jpegxl_encode(np.zeros((8, 8, 3), np.float32), lossless=True)
    with pytest.raises(HnasError, match=r"x\.jxl: 32-bit float JPEG XL is not handled"):
        open_picture(data, "x.jxl")


def test_heic() -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra heic")
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[272] = "a phone"
    exif[274] = 6
    data = _saved(SMOOTH, "HEIF", quality=-1, exif=exif.tobytes())
    read = open_picture(data)
    assert read.pixels.shape == (40, 24, 3)  # turned by a quarter, once
    assert np.abs(read.pixels.astype(int) - np.rot90(SMOOTH, -1)).mean() < 3
    assert read.metadata.tags[272] == "a phone"


def test_heic_without_its_extra_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    head = (24).to_bytes(4, "big") + b"ftypheic" + bytes(4) + b"mif1heic"
    with pytest.raises(HnasError, match=r"this needs the package pillow_heif: pip install 'hnas-sr\[heic\]'"):
        open_picture(head + bytes(100))


@needs_avif
def test_bits_of_avif_that_are_lost_are_said() -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="needs the extra deep")
    if not imagecodecs.AVIF.available:
        pytest.skip("this imagecodecs has no AVIF")
    deep = imagecodecs.avif_encode(RNG.integers(0, 1024, (24, 40, 3)).astype(np.uint16), level=100, bitspersample=10)
    assert open_picture(deep).notes == ("its 10 bits are read as 8",)
    assert open_picture(_saved(RGB, "AVIF")).notes == ()


def test_what_a_palette_cannot_hold_is_said() -> None:
    few = Picture(np.zeros((24, 40, 3), np.uint8))
    assert losses(few, FORMATS["GIF"]) == ()
    many = Picture(RGB, ALPHA)
    assert losses(many, FORMATS["GIF"]) == (
        "GIF holds no half transparency: clear below a half",
        "GIF holds 256 colours: the nearest of them are taken",
    )


def test_every_format_has_endings_of_its_own() -> None:
    assert sum(len(each.endings) for each in FORMATS.values()) == len(ENDINGS)


def test_the_table_in_the_documentation_has_every_format() -> None:
    text = (Path(__file__).parents[2] / "docs" / "pictures.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    table = {row[0].upper(): row for row in rows if len(row) == 7 and row[1].startswith(".")}
    assert table.keys() == FORMATS.keys()
    for name, each in FORMATS.items():
        assert tuple(table[name][1].split()) == each.endings
        assert table[name][3].startswith("no:") != each.written


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler(TorchBackend(bicubic_network()))


def _frames(clear: bool) -> list[Image.Image]:
    """Three pictures of few colours, a square that wanders, on a ground that is clear or blue."""
    frames = []
    for index in range(3):
        array = np.zeros((16, 24, 4), np.uint8)
        array[...] = (0, 0, 200, 0 if clear else 255)
        array[4:10, 4 * index : 4 * index + 6] = (250, 120 * (index == 1), 0, 255)
        frames.append(Image.fromarray(array))
    return frames


def _moving(format: str, clear: bool, durations: list[int]) -> bytes:
    buffer = io.BytesIO()
    first, *others = _frames(clear)
    options = {"lossless": True} if format == "WEBP" else {"disposal": 2} if format == "GIF" else {}
    first.save(buffer, format, save_all=True, append_images=others, duration=durations, loop=3, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("source", ["GIF", "WEBP", "PNG"])
@pytest.mark.parametrize("target", ["GIF", "WEBP", "PNG"])
@pytest.mark.parametrize("clear", [False, True])
def test_all_frames_in_all_frames_out(upscaler: Upscaler, source: str, target: str, clear: bool) -> None:
    data = _moving(source, clear, [100, 200, 70])
    buffer = io.BytesIO()
    assert not upscale_stream(upscaler, data, buffer, FORMATS[target], quality=100) or target == "GIF"
    image = Image.open(io.BytesIO(buffer.getvalue()))
    assert (image.format, image.n_frames, image.size) == (target, 3, (48, 32))
    durations = []
    for frame, small in zip(ImageSequence.Iterator(image), _frames(clear), strict=True):
        large = np.asarray(frame.convert("RGBA")).astype(int)
        durations.append(frame.info["duration"])
        wanted = np.asarray(small.resize((48, 32), Image.Resampling.NEAREST)).astype(int)
        np.testing.assert_array_equal(large[2:-2:4, 2:-2:4, 3] > 127, wanted[2:-2:4, 2:-2:4, 3] > 127)
        seen = (large[..., 3] > 127) & (wanted[..., 3] > 127)
        assert np.abs(large - wanted)[..., :3][seen].mean() < 20  # bicubic against nearest, and palettes
    assert durations == [100, 200, 70]
    assert image.info["loop"] == 3


def test_a_moving_picture_becomes_a_still_one_with_a_word(upscaler: Upscaler, tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(_moving("GIF", False, [100, 100, 100]))
    notes = upscale_file(upscaler, Job(tmp_path / "a.gif", tmp_path / "a.jpg"))
    assert notes == ("only the first of its 3 pictures is enlarged",)
    assert Image.open(tmp_path / "a.jpg").size == (48, 32)


def test_times_that_a_gif_cannot_hold_are_said(upscaler: Upscaler) -> None:
    notes = upscale_stream(upscaler, _moving("PNG", False, [33, 33, 33]), io.BytesIO(), FORMATS["GIF"])
    assert notes[-1] == "GIF holds times in hundredths of a second: rounded"


def test_an_animation_that_would_fill_the_memory_is_refused() -> None:
    buffer = io.BytesIO()
    frames = [Image.new("L", (4_000, 4_000), value) for value in (0, 100, 200)]
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(HnasError, match="3 frames of 4000x4000 are too many to be enlarged at once"):
        read_animation(buffer.getvalue(), 2)


def test_too_many_frames_are_refused(tmp_path: Path) -> None:
    """A file of 150 KB with 10,001 pictures of one pixel."""
    path = tmp_path / "a.gif"
    frame = b",\0\0\0\0\x01\0\x01\0\0\x02\x02L\x01\0"
    path.write_bytes(b"GIF89a\x04\0\x04\0\x80\0\0\0\0\0\xff\xff\xff" + frame * 10_001 + b";")
    with pytest.raises(HnasError, match=r"a\.gif: 10,001 frames; at most 10,000 are read"):
        read_animation(path, 1)
