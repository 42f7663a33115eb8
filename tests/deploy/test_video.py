"""Videos made on the spot with FFmpeg: sizes, times and sound, and going on after a stop."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av", reason="needs the extra video")

import av

from hnas.cli.main import main
from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.running.torch_backend import TorchBackend
from hnas.deploy.video import VideoSettings, upscale_video
from hnas.errors import HnasError
from tests.deploy.example import bicubic_network, bicubic_weights

FRAMES = 11
SETTINGS = VideoSettings(segment=4, crf=0, preset="ultrafast")


def _frame(index: int) -> np.ndarray:
    y, x = np.mgrid[:24, :32]
    return np.stack([x * 7, y * 10, np.full_like(x, index * 20)], 2).astype(np.uint8)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Eleven frames of 32x24 at times that are not evenly spaced, and a tone."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 32, 24, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        video.options = {"crf": "0"}
        audio = container.add_stream("aac", rate=16_000, layout="mono")
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(_frame(index), format="rgb24")
            frame.pts, frame.time_base = index * 40 + (index % 3), Fraction(1, 1000)
            container.mux(video.encode(frame))
        tone = np.sin(np.arange(16_000 // 2) / 20).astype(np.float32)[None]
        sound = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = 16_000, 0, Fraction(1, 16_000)
        container.mux(audio.encode(sound))
        for stream in (video, audio):
            container.mux(stream.encode())
    return path


def _upscaler() -> Upscaler:
    return Upscaler(TorchBackend(bicubic_network()))


def _frames(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def _sound(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_frames_are_enlarged_and_all_else_is_kept(clip: Path, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"large{ending}"
    upscale_video(_upscaler(), clip, target, settings=SETTINGS)
    before, after = _frames(clip), _frames(target)
    assert [frame.shape for _, frame in after] == [(48, 64, 3)] * FRAMES
    # Matroska moves all streams alike where the sound begins before 0, as AAC does; what lies between stays.
    first = [frames[0][0] for frames in (before, after)]
    assert [time - first[1] for time, _ in after] == pytest.approx([time - first[0] for time, _ in before], abs=0.001)
    for (_, small), (_, large) in zip(before, after, strict=True):
        expected = _upscaler().upscale(small)
        assert np.abs(large.astype(int) - expected).mean() < 3  # YCbCr with halved colour, twice
    assert _sound(target) == _sound(clip)
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", target.name}


def test_a_stopped_job_goes_on(clip: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.mkv"
    upscale_video(_upscaler(), clip, whole, settings=SETTINGS)

    class Stop(Exception): ...

    def stop_at_6(done: int, total: int | None) -> None:
        if done == 6:
            raise Stop

    target = tmp_path / "large.mkv"
    with pytest.raises(Stop):
        upscale_video(_upscaler(), clip, target, settings=SETTINGS, progress=stop_at_6)
    assert not target.exists()
    calls: list[Any] = []

    class Counting(Upscaler):
        def upscale(self, image: np.ndarray, **options: Any) -> np.ndarray:
            calls.append(image.shape[:2])
            return super().upscale(image, **options)

    upscale_video(Counting(TorchBackend(bicubic_network())), clip, target, settings=SETTINGS)
    assert calls.count((24, 32)) == FRAMES - 4  # all but those of the finished segment
    for (_, first), (_, second) in zip(_frames(whole), _frames(target), strict=True):
        np.testing.assert_array_equal(first, second)


def test_command(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "large.mp4"
    assert main(["video", str(clip), "-o", str(target), "-m", str(bicubic_weights(tmp_path))]) == 0
    assert len(_frames(target)) == FRAMES


def test_mistakes(clip: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    for source, target, message in (
        (text, "x.mp4", "text.mp4: no film that FFmpeg can read"),
        (tmp_path / "none.mp4", "x.mp4", "none.mp4: no such file; name a film"),
        (tmp_path, "x.mp4", "a folder; name a film"),
        (clip, "x.gif", "x.gif: videos are written as .mp4"),
        (clip, "clip.mp4", "the result would replace it"),
    ):
        with pytest.raises(HnasError, match=message):
            upscale_video(_upscaler(), source, tmp_path / target, settings=SETTINGS)
    with pytest.raises(HnasError, match="there is no encoder 'nonsense'"):
        upscale_video(_upscaler(), clip, tmp_path / "x.mp4", settings=VideoSettings(codec="nonsense"))


def test_a_phone_held_upright(clip: Path, tmp_path: Path) -> None:
    # Phones write frames as the sensor lies and note in the track header how to turn them; this matrix (ISO 14496-12,
    # 8.3.2: a b u c d v x y w) says a quarter clockwise, as of a phone held upright.
    data = bytearray(clip.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    assert struct.unpack_from(">9i", data, matrix) == (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    struct.pack_into(">9i", data, matrix, 0, 0x10000, 0, -0x10000, 0, 0, 24 << 16, 0, 0x40000000)
    upright = tmp_path / "upright.mp4"
    upright.write_bytes(data)
    target = tmp_path / "large.mp4"
    upscale_video(_upscaler(), upright, target, settings=SETTINGS)
    for (_, small), (_, large) in zip(_frames(clip), _frames(target), strict=True):
        expected = _upscaler().upscale(np.ascontiguousarray(np.rot90(small, -1)))
        assert large.shape == expected.shape == (64, 48, 3)
        assert np.abs(large.astype(int) - expected).mean() < 3
    with av.open(str(target)) as container:  # turned already, so nothing is left to be turned
        assert next(container.decode(video=0)).rotation == 0
