"""Enlarging videos: frames through the network in segments that survive a stop, everything else copied.

Every segment is a file of its own in a folder beside the result. A stopped job goes on with the first one missing; when
all are there they are joined, without coding anything again, with the sound and subtitles of the source.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from hnas.deploy.upscale import Upscaler
from hnas.errors import HnasError

try:
    import av
except ImportError as _error:
    raise HnasError("this needs the package av: pip install 'hnas-sr[video]'") from _error

ENDINGS = (".mp4", ".mkv", ".mov", ".webm")
#: Segments are kept in a container that holds any time base exactly.
_SEGMENT_FORMAT = "nut"
#: Without a note on it, players take small pictures for BT.601 and large ones for BT.709.
_HD_HEIGHT = 720

#: Is told the number of frames done and, where the file says so, that of all.
FrameProgress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class VideoSettings:
    """How frames are coded.

    Attributes:
        codec: an encoder of FFmpeg.
        crf: quality, lower is better and larger (libx264: 0 to 51).
        preset: speed against size, as the encoder knows it.
        segment: frames in a segment, which is what a stop loses at most.
    """

    codec: str = "libx264"
    crf: int = 17
    preset: str = "medium"
    segment: int = 100


def upscale_video(
    upscaler: Upscaler,
    source: Path,
    target: Path,
    *,
    settings: VideoSettings | None = None,
    progress: FrameProgress = lambda done, total: None,
) -> None:
    """Enlarges a video; times of frames, sound and subtitles stay as they are. The same call resumes a stopped job.

    Frames are coded with 8 bits and halved colour (yuv420p), which is what players understand; a last odd row or column
    of the enlarged frame is cut off for it.

    Args:
        upscaler: the network.
        source: any video that FFmpeg reads.
        target: ends in one of :data:`ENDINGS`.
        settings: of the coding.
        progress: called after every frame.

    Raises:
        HnasError: the source cannot be read, or the target not be written.
    """
    settings = settings or VideoSettings()
    if target.suffix.lower() not in ENDINGS:
        raise HnasError(f"{target}: videos are written as {', '.join(ENDINGS)}")
    if target.resolve() == source.resolve():
        raise HnasError(f"{source}: the result would replace it; choose another output")
    folder = _segment_folder(upscaler, source, target, settings)
    try:
        segments = _write_segments(upscaler, source, folder, settings, progress)
        _join(source, segments, target)
    except av.FFmpegError as error:
        raise HnasError(f"{source}: {error.strerror or error} ({error.filename or target.name})") from error
    except OSError as error:
        raise HnasError(f"{error.filename or target}: {error.strerror or error}") from error
    shutil.rmtree(folder)


def _segment_folder(upscaler: Upscaler, source: Path, target: Path, settings: VideoSettings) -> Path:
    """The folder of this very job: another source, model or setting has another one."""
    try:
        stat = source.stat()
    except OSError as error:
        raise HnasError(f"{source}: {error.strerror}") from error
    probe = upscaler.upscale(np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8))
    what = [stat.st_size, stat.st_mtime_ns, repr(settings), upscaler.scale, hashlib.sha256(probe.tobytes()).hexdigest()]
    digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]
    folder = target.with_name(f".{target.name}.{digest}.segments")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write_segments(
    upscaler: Upscaler, source: Path, folder: Path, settings: VideoSettings, progress: FrameProgress
) -> list[Path]:
    """Codes the segments that are missing; frames of the others are decoded and passed over."""
    segments = []
    with av.open(str(source)) as container:
        if not container.streams.video:
            raise HnasError(f"{source}: there is no video in it")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        total = stream.frames or None
        frames = enumerate(container.decode(stream))
        for number, group in groupby(frames, lambda item: item[0] // settings.segment):
            path = folder / f"{number:06}.{_SEGMENT_FORMAT}"
            if not path.exists():
                beside = path.with_suffix(".tmp")
                with av.open(str(beside), "w", format=_SEGMENT_FORMAT) as output:
                    _encode(upscaler, group, output, stream, settings, lambda index: progress(index + 1, total))
                beside.replace(path)
            else:
                for index, _ in group:
                    progress(index + 1, total)
            segments.append(path)
    if not segments:
        raise HnasError(f"{source}: there are no frames in it")
    return segments


def _encode(
    upscaler: Upscaler,
    frames: Iterator[tuple[int, Any]],
    output: Any,
    source: Any,
    settings: VideoSettings,
    done: Callable[[int], None],
) -> None:
    encoder = None
    for index, frame in frames:
        space = _colour_space(frame)
        pixels = frame.reformat(format="rgb24", src_colorspace=space).to_ndarray()
        pixels = np.rot90(pixels, round(frame.rotation / 90))  # phones note how they were held
        large = upscaler.upscale(np.ascontiguousarray(pixels))
        large = large[: large.shape[0] // 2 * 2, : large.shape[1] // 2 * 2]
        if encoder is None:
            encoder = _encoder(output, source, large.shape[1], large.shape[0], space, settings)
        coded = av.VideoFrame.from_ndarray(np.ascontiguousarray(large), format="rgb24")
        coded = coded.reformat(format="yuv420p", dst_colorspace=space)
        coded.pts, coded.time_base = frame.pts, frame.time_base
        output.mux(encoder.encode(coded))
        done(index)
    assert encoder is not None
    output.mux(encoder.encode())


def _encoder(output: Any, source: Any, width: int, height: int, space: int, settings: VideoSettings) -> Any:
    try:
        stream = output.add_stream(settings.codec, rate=source.average_rate or Fraction(25))
    except ValueError as error:  # PyAV's UnknownCodecError is one
        raise HnasError(
            f"there is no encoder {settings.codec!r} in this FFmpeg; libx264 and libx265 are usual"
        ) from error
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.time_base = source.time_base
    stream.codec_context.colorspace = space
    if source.sample_aspect_ratio:
        stream.codec_context.sample_aspect_ratio = source.sample_aspect_ratio
    stream.codec_context.max_b_frames = 0  # in order of time, segments can be joined packet by packet
    stream.options = {"crf": str(settings.crf), "preset": settings.preset}
    return stream


def _colour_space(frame: Any) -> int:
    """FFmpeg's number of the frame's matrix of YCbCr: as noted, else by the size."""
    bt709, bt601 = 1, 5
    if frame.colorspace in (bt709, bt601, 6):
        return int(frame.colorspace)
    return bt709 if frame.height >= _HD_HEIGHT else bt601


def _join(source: Path, segments: list[Path], target: Path) -> None:
    """Puts the segments one after the other, with the other streams of the source, into the target."""
    beside = target.with_name(f".{target.stem}.joining{target.suffix}")
    try:
        with av.open(str(source)) as container, av.open(str(beside), "w") as output:
            copied = [stream for stream in container.streams if stream.type in ("audio", "subtitle")]
            with av.open(str(segments[0])) as first:
                video = output.add_stream_from_template(first.streams.video[0])
            targets = {stream.index: output.add_stream_from_template(stream) for stream in copied}
            output.metadata.update(container.metadata)
            others = container.demux(*copied) if copied else iter(())
            for packet, stream in merge(_packets(segments, video), _copied(others, targets), key=_seconds):
                packet.stream = stream
                output.mux(packet)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _packets(segments: list[Path], stream: Any) -> Iterator[tuple[Any, Any]]:
    for path in segments:
        with av.open(str(path)) as segment:
            yield from ((packet, stream) for packet in segment.demux(video=0) if packet.dts is not None)


def _copied(packets: Iterator[Any], targets: dict[int, Any]) -> Iterator[tuple[Any, Any]]:
    yield from ((packet, targets[packet.stream.index]) for packet in packets if packet.dts is not None)


def _seconds(item: tuple[Any, Any]) -> Fraction:
    packet = item[0]
    return Fraction(packet.dts * packet.time_base)
