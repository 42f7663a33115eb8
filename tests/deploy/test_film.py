"""Films come out as they went in but for their size: times, colour, bits, turns, sound, subtitles, chapters, titles."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av", reason="needs the extra video")

import av
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.deploy.video import VideoSettings, upscale_video
from hnas.deploy.video.film import Film, read_film
from hnas.deploy.video.pictures import enlarged_planes, enlarged_rgb, sees_brightness_alone
from hnas.deploy.video.timing import read_clock, timed
from hnas.deploy.video.turning import Turn, turn_of
from hnas.errors import HnasError
from tests.deploy.example import bicubic_network

LOSSLESS = VideoSettings(crf=0, preset="ultrafast")


def _upscaler() -> Upscaler:
    return Upscaler(TorchBackend(bicubic_network()))


def _enlarge(source: Path, target: Path, settings: VideoSettings = LOSSLESS) -> list[str]:
    notes: list[str] = []
    upscale_video(_upscaler(), source, target, settings=settings, note=notes.append)
    return notes


def _picture(width: int = 32, height: int = 24, last: int = 0) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 7 % 256, y * 10 % 256, np.full_like(x, last)], 2).astype(np.uint8)


def _clip(path: Path, times: list[int], *, format: str = "yuv420p", codec: str = "libx264", **context: Any) -> Path:
    """Frames at these milliseconds."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, format
        stream.codec_context.time_base = Fraction(1, 1000)
        # With B-frames, x265 takes the times of so short a clip from memory that it never wrote to.
        stream.options = {"crf": "0", "preset": "ultrafast", "x265-params": "log-level=none:bframes=0"}
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(_picture(last=10 * index), format="rgb24").reformat(format=format)
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def _video(path: Path) -> tuple[list[tuple[float, float]], Any]:
    """When each frame is shown and how long, and the stream's properties."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [(frame.time, float(frame.duration * frame.time_base)) for frame in container.decode(stream)]
        context = stream.codec_context
        colour = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
        return frames, (stream.average_rate, context.pix_fmt, colour, context.name)


def test_webm_has_vp9_and_opus(shared_cases: Path, tmp_path: Path) -> None:
    notes = _enlarge(shared_cases / "videos" / "v_cfr.mp4", tmp_path / "large.webm")
    assert notes == [".webm takes no aac: 1 is coded anew as libopus"]
    frames, (rate, _, _, codec) = _video(tmp_path / "large.webm")
    assert (len(frames), rate, codec) == (20, 25, "vp9")
    with av.open(str(tmp_path / "large.webm")) as container:
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
        assert container.streams.audio[0].codec_context.name == "opus"
    assert len(sound) / 48_000 == pytest.approx(0.8, abs=0.03) or len(sound) / 96_000 == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(("ending", "codec"), [(".mp4", "mov_text"), (".mkv", "srt"), (".webm", "webvtt")])
def test_subtitles_go_along(shared_cases: Path, tmp_path: Path, ending: str, codec: str) -> None:
    source = shared_cases / "videos" / "v_sub.mkv"
    notes = _enlarge(source, tmp_path / f"large{ending}")
    assert notes == ([] if ending == ".mkv" else [f"{ending} takes no srt: 1 becomes plain {codec}"])
    with av.open(str(tmp_path / f"large{ending}")) as container:
        assert container.streams.subtitles[0].codec_context.name == codec
        packets = [packet for packet in container.demux(subtitles=0) if b"hello" in bytes(packet)]
        assert [(float(p.pts * p.time_base), float(p.duration * p.time_base)) for p in packets] == [(0, 0.3)]


def test_what_the_target_cannot_hold_is_found_before_the_first_frame(tmp_path: Path) -> None:
    source = _clip(tmp_path / "clip.mkv", [0, 40])
    done: list[int] = []
    with pytest.raises(HnasError, match=r"x\.webm: \.webm does not take h264; leave --codec out"):
        upscale_video(
            _upscaler(),
            source,
            tmp_path / "x.webm",
            settings=VideoSettings(codec="libx264"),
            progress=lambda index, total: done.append(index),
        )
    assert not done
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mkv"]


@pytest.mark.parametrize(
    ("name", "count", "seconds"), [("v_avi_h264bf.avi", 30, 1.2), ("v_cat.h264", 10, 0.4), ("v_vfr.mp4", 10, 3.04)]
)
def test_times_of_files_made_elsewhere(
    shared_cases: Path, tmp_path: Path, name: str, count: int, seconds: float
) -> None:
    """25 frames a second, but for the last, whose last frame is shown for 0.04 s."""
    _enlarge(shared_cases / "videos" / name, tmp_path / "large.mp4")
    frames, _ = _video(tmp_path / "large.mp4")
    assert len(frames) == count
    assert frames[-1][1] == pytest.approx(0.04)
    assert sum(frames[-1]) == pytest.approx(seconds)
    if name != "v_vfr.mp4":
        assert [time for time, _ in frames] == pytest.approx([index / 25 for index in range(count)])


def test_a_stream_without_times_gets_them_from_its_rate(tmp_path: Path) -> None:
    source = tmp_path / "clip.h264"
    with av.open(str(source), "w", format="h264") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for index in range(6):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(last=index), format="rgb24")))
        output.mux(stream.encode())
    clock = read_clock(source)
    with av.open(str(source)) as container:
        times = [each.pts * clock.time_base for each in timed(container.decode(video=0), clock)]
    assert times == [Fraction(index, 25) for index in range(6)]


def test_the_rate_and_the_last_frame_of_a_film_of_even_steps(tmp_path: Path) -> None:
    source = _clip(tmp_path / "clip.mkv", [0, 40, 80, 120])
    _enlarge(source, tmp_path / "large.mkv")
    frames, (rate, *_) = _video(tmp_path / "large.mkv")
    assert rate == 25
    assert frames[-1] == pytest.approx((0.12, 0.04))


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_colour_and_bits_are_kept(shared_cases: Path, tmp_path: Path, ending: str) -> None:
    notes = _enlarge(shared_cases / "videos" / "v_hdr48.mkv", tmp_path / f"large{ending}")
    assert notes == ["its brightness is coded as PQ (SMPTE ST 2084); that is kept"]
    _, (_, format, colour, codec) = _video(tmp_path / f"large{ending}")
    assert (format, colour, codec) == ("yuv420p10le", (9, 16, 9, 1), "hevc")


def test_bits_that_a_codec_cannot_have_are_said(tmp_path: Path) -> None:
    source = _clip(tmp_path / "clip.mkv", [0, 40], format="yuv420p10le", codec="libx265", color_trc=18, colorspace=9)
    notes = _enlarge(source, tmp_path / "large.webm")
    assert notes == [
        "its brightness is coded as HLG (ARIB STD-B67); that is kept",
        "libvpx-vp9 takes 8 bits: rounded from 10",
    ]
    assert _video(tmp_path / "large.webm")[1][1:3] == ("yuv420p", (2, 18, 9, 1))


@pytest.mark.parametrize("format", ["yuv420p", "yuv422p", "yuv444p", "yuv422p10le"])
def test_the_layout_of_values_is_kept(tmp_path: Path, format: str) -> None:
    source = _clip(tmp_path / "clip.mkv", [0], format=format)
    _enlarge(source, tmp_path / "large.mkv", VideoSettings("libx264", 0, "ultrafast"))
    assert _video(tmp_path / "large.mkv")[1][1] == format


class _Colour(nn.Module):
    """A network that treats the colours differently."""

    scale = 2

    def __init__(self) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.tensor([1.0, 0.9, 0.8]).view(3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False) * self.share


def test_networks_of_brightness_alone_are_known() -> None:
    assert sees_brightness_alone(_upscaler())
    assert not sees_brightness_alone(Upscaler(TorchBackend(_Colour())))


def _film(**changes: Any) -> Film:
    values: dict[str, Any] = {
        "width": 32, "height": 24, "format": "yuv420p", "bits": 8, "matrix": 1, "primaries": 1, "transfer": 1,
        "full_range": 1, "matrix_used": 1, "turn": Turn(), "pixel_aspect": None, "rate": Fraction(25), "notes": (),
    }  # fmt: skip
    return Film(**{**values, **changes})


@pytest.mark.parametrize(
    ("matrix", "red", "blue"), [(1, 0.2126, 0.0722), (5, 0.299, 0.114), (9, 0.2627, 0.0593)], ids=["709", "601", "2020"]
)
@pytest.mark.parametrize("colour", [(1, 0, 0), (0, 1, 0), (0.2, 0.5, 0.9)])
def test_frames_are_decoded_by_their_matrix(matrix: int, red: float, blue: float, colour: tuple[float, ...]) -> None:
    """The numbers of ITU-R BT.709, BT.601 and BT.2020 for 10 bits of limited range."""
    r, g, b = colour
    y = red * r + (1 - red - blue) * g + blue * b
    values = (64 + 876 * y, 512 + 896 * (b - y) / (2 - 2 * blue), 512 + 896 * (r - y) / (2 - 2 * red))
    frame = av.VideoFrame(32, 24, "yuv444p10le")
    for plane, value in zip(frame.planes, values, strict=True):
        plane.update(np.full((24, plane.line_size // 2), round(value), np.uint16))
    film = _film(format="yuv444p10le", bits=10, matrix_used=matrix)
    pixels = enlarged_rgb(_upscaler(), frame, film, 64, 48)
    assert pixels.dtype == np.uint16
    assert np.abs(pixels / 65_535 - np.array(colour)).max() < 0.01


@pytest.mark.parametrize("bits", [8, 10])
def test_planes_are_enlarged_where_they_lie(bits: int) -> None:
    """Luma as the network does it; chroma, which lies at the left of its pixels, is a ramp that goes on as one."""
    kind = np.uint8 if bits == 8 else np.uint16
    format = "yuv420p" if bits == 8 else "yuv420p10le"
    frame = av.VideoFrame(32, 24, format)
    luma = (np.random.default_rng(0).integers(64, 200, (24, 32)) << (bits - 8)).astype(kind)
    ramp = (np.arange(16) * 8 << (bits - 8)).astype(kind)  # 4 a luma pixel, from 0 at the first
    for plane, array in zip(frame.planes, (luma, np.tile(ramp, (12, 1)), np.tile(ramp, (12, 1))), strict=True):
        rows = np.zeros((plane.height, plane.line_size // array.itemsize), kind)
        rows[:, : plane.width] = array
        plane.update(rows)
    planes = enlarged_planes(_upscaler(), frame, _film(format=format, bits=bits), 64, 48)
    expected = _upscaler().upscale(luma.astype(np.float32) / (2**bits - 1)) * (2**bits - 1)
    assert np.abs(planes[0] - expected).max() < 1
    # Luma pixel x of the large picture lies at (x + 0.5) / 2 - 0.5 of the small one, and chroma k at luma pixel 2 k.
    places = (2 * np.arange(32) + 0.5) / 2 - 0.5
    inside = slice(6, -6)
    np.testing.assert_allclose(planes[1][20, inside], (4 * places * 2 ** (bits - 8))[inside], atol=0.6)


#: Display matrices (ISO 14496-12, 8.3.2) and what they make of a picture, by numpy's words for it.
MATRICES: list[tuple[tuple[int, int, int, int], Callable[[np.ndarray], np.ndarray]]] = [
    ((1, 0, 0, 1), lambda x: x),
    ((-1, 0, 0, 1), np.fliplr),
    ((1, 0, 0, -1), np.flipud),
    ((-1, 0, 0, -1), lambda x: np.rot90(x, 2)),
    ((0, 1, -1, 0), lambda x: np.rot90(x, -1)),
    ((0, -1, 1, 0), lambda x: np.rot90(x, 1)),
    ((0, 1, 1, 0), lambda x: x.T),
    ((0, -1, -1, 0), lambda x: np.rot90(x, 2).T),
]


@pytest.mark.parametrize(("matrix", "expected"), MATRICES)
def test_turns_and_mirrors(matrix: tuple[int, int, int, int], expected: Callable[[np.ndarray], np.ndarray]) -> None:
    a, b, c, d = (value << 16 for value in matrix)
    turn = turn_of(struct.pack("=9i", a, b, 0, c, d, 0, 0, 0, 1 << 30))
    assert turn is not None
    picture = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(turn(picture), expected(picture))
    # The rule itself: the pixel at column p and row q goes to column a p + c q and row b p + d q.
    shown = {(a * p + c * q, b * p + d * q): picture[q, p] for q in range(3) for p in range(4)}
    columns, rows = (sorted({place[axis] for place in shown}) for axis in (0, 1))
    np.testing.assert_array_equal(turn(picture), [[shown[column, row] for column in columns] for row in rows])


def test_an_angle_that_is_no_quarter_turn_is_left() -> None:
    half = 46_341  # 1 / sqrt(2)
    assert turn_of(struct.pack("=9i", half, half, 0, -half, half, 0, 0, 0, 1 << 30)) is None


@pytest.mark.parametrize(("name", "expected"), [("v_hflip.mp4", np.fliplr), ("v_transpose.mp4", np.transpose)])
def test_mirrors_of_files_made_elsewhere(
    shared_cases: Path, tmp_path: Path, name: str, expected: Callable[[np.ndarray], np.ndarray]
) -> None:
    source = shared_cases / "videos" / name
    _enlarge(source, tmp_path / "large.mp4")
    with av.open(str(source)) as small, av.open(str(tmp_path / "large.mp4")) as large:
        for before, after in zip(small.decode(video=0), large.decode(video=0), strict=True):
            gray = expected(before.to_ndarray(format="gray"))
            wanted = _upscaler().upscale(np.ascontiguousarray(gray))
            assert after.rotation == 0
            assert np.abs(after.to_ndarray(format="gray").astype(int) - wanted).mean() < 1


def test_a_turned_film_has_its_pixels_turned_too(tmp_path: Path) -> None:
    """Pixels twice as wide as high are twice as high as wide after a quarter turn."""
    source = _clip(tmp_path / "clip.mp4", [0], sample_aspect_ratio=Fraction(2, 1))
    data = bytearray(source.read_bytes())
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, 0, 1 << 16, 0, -1 << 16, 0, 0, 24 << 16, 0, 1 << 30)
    source.write_bytes(data)
    _enlarge(source, tmp_path / "large.mp4")
    with av.open(str(tmp_path / "large.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.sample_aspect_ratio) == (48, 64, Fraction(1, 2))


@pytest.mark.parametrize("ending", [".mkv", ".mp4"])
def test_chapters_languages_and_titles_are_kept(shared_cases: Path, tmp_path: Path, ending: str) -> None:
    source, target = shared_cases / "videos" / "v_tags.mkv", tmp_path / f"large{ending}"
    assert _enlarge(source, target) == []
    with av.open(str(source)) as before, av.open(str(target)) as after:
        assert after.metadata["title"] == before.metadata["title"] == "My film"

        def chapters(container: Any) -> list[tuple[str, float, float]]:
            return [
                (
                    each["metadata"]["title"],
                    float(each["start"] * each["time_base"]),
                    float(each["end"] * each["time_base"]),
                )
                for each in container.chapters()
            ]

        assert chapters(after) == chapters(before) != []
        assert [stream.language for stream in after.streams.audio] == ["eng", "fra"]
        key = "title" if ending == ".mkv" else "name"
        assert [stream.metadata[key] for stream in after.streams.audio] == ["track eng", "track fra"]
        if ending == ".mkv":
            assert [s.disposition for s in after.streams.audio] == [s.disposition for s in before.streams.audio]


def test_attachments_are_kept_or_said(tmp_path: Path) -> None:
    source = tmp_path / "clip.mkv"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        output.add_attachment("font.ttf", "font/ttf", b"a font")
        for _ in range(2):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(), format="rgb24")))
        output.mux(stream.encode())
    assert _enlarge(source, tmp_path / "large.mkv") == []
    with av.open(str(tmp_path / "large.mkv")) as container:
        (attachment,) = (stream for stream in container.streams if stream.type == "attachment")
        assert (attachment.metadata["filename"], attachment.mimetype, attachment.data) == (
            "font.ttf",
            "font/ttf",
            b"a font",
        )
    assert _enlarge(source, tmp_path / "large.mp4") == [
        ".mp4 holds no attachments: 1 (font.ttf) is left out",
    ]


def test_interlaced_frames_are_said(tmp_path: Path) -> None:
    source = tmp_path / "clip.mpg"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.options = {"flags": "+ilme+ildct", "top": "1"}
        for _ in range(2):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(32, 32), format="rgb24")))
        output.mux(stream.encode())
    assert read_film(source).notes == (
        "its frames are interlaced and are enlarged as if they were not; deinterlace it first",
    )


@pytest.mark.parametrize("network", [bicubic_network, _Colour])
def test_values_of_full_range_stay_so(tmp_path: Path, network: Callable[[], nn.Module]) -> None:
    """JPEG's range, 0 to 255, as cameras write it; the gray ramp of the source comes out as it was."""
    source = tmp_path / "clip.avi"
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))
    with av.open(str(source), "w") as output:
        stream = output.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        stream.codec_context.color_range = 2
        frame = av.VideoFrame(64, 48, "yuvj420p")
        for plane, array in zip(frame.planes, (ramp, ramp[:24, :32] * 0 + 128, ramp[:24, :32] * 0 + 128), strict=True):
            rows = np.zeros((plane.height, plane.line_size), np.uint8)
            rows[:, : plane.width] = array
            plane.update(rows)
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    upscaler = Upscaler(TorchBackend(network()))
    upscale_video(upscaler, source, tmp_path / "large.mkv", settings=LOSSLESS)
    with av.open(str(tmp_path / "large.mkv")) as container:
        frame = next(container.decode(video=0))
        assert frame.color_range == 2
        luma = np.frombuffer(frame.planes[0], np.uint8).reshape(96, -1)[:, :128].astype(float)
    wanted = Image.fromarray(ramp).resize((128, 96), Image.Resampling.BICUBIC)
    share = 1.0 if network is bicubic_network else 0.299 + 0.9 * 0.587 + 0.8 * 0.114
    assert np.abs(luma - share * np.asarray(wanted))[:, 4:-4].mean() < 3


def test_a_last_odd_row_is_cut_off_with_a_word(tmp_path: Path) -> None:
    source = tmp_path / "clip.mkv"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 33, 25, "yuv420p"
        output.mux(
            stream.encode(av.VideoFrame.from_ndarray(_picture(33, 25), format="rgb24").reformat(format="yuv420p"))
        )
        output.mux(stream.encode())

    class Thrice(_Colour):
        scale = 3

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.interpolate(x, scale_factor=3, mode="bicubic", align_corners=False)

    notes: list[str] = []
    upscaler = Upscaler(TorchBackend(Thrice()))
    upscale_video(upscaler, source, tmp_path / "large.mkv", settings=LOSSLESS, note=notes.append)
    assert notes == ["the last row or column of 99x75 is cut off, since chroma is shared by two pixels"]
    with av.open(str(tmp_path / "large.mkv")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (98, 74)


def test_transparency_of_a_film_is_said(tmp_path: Path) -> None:
    source = tmp_path / "clip.mkv"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuva420p"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(), format="rgb24").reformat(format="yuva420p")))
        output.mux(stream.encode())
    assert read_film(source).notes == ("its transparency is left out",)
