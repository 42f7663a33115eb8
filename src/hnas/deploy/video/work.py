"""From one video file to another."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import Any

import av

from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.video.coding import choose_coding
from hnas.deploy.video.film import read_film
from hnas.deploy.video.segments import FrameProgress, Job, Segments, segment_folder, write_blank, write_segments
from hnas.deploy.video.settings import VideoSettings, container_of
from hnas.deploy.video.target import Target, open_target
from hnas.deploy.video.timing import read_clock
from hnas.errors import HnasError

_BLANK = "blank.nut"


def upscale_video(
    upscaler: Upscaler,
    source: Path,
    target: Path,
    *,
    settings: VideoSettings | None = None,
    progress: FrameProgress = lambda done, total: None,
    note: Callable[[str], None] = lambda words: None,
) -> None:
    """Enlarges a video; times of frames, sound and subtitles stay as they are. The same call resumes a stopped job.

    Frames keep their bits, the layout of their values and their colour tags where the codec takes them. The target is
    opened with all its streams before the first frame is enlarged.

    Args:
        upscaler: the network.
        source: any video that FFmpeg reads.
        target: ends in one of :data:`~hnas.deploy.video.settings.ENDINGS`.
        settings: of the coding.
        progress: called after every frame.
        note: is told what will be different in the enlarged film, before the work.

    Raises:
        HnasError: the source cannot be read, or the target not be written.
    """
    settings = settings or VideoSettings()
    container_of(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise HnasError(f"{source}: the result would replace it; choose another output")
    if not source.exists() or source.is_dir():
        raise HnasError(f"{source}: {'a folder' if source.is_dir() else 'no such file'}; name a film")
    try:
        film = read_film(source)
        coding = choose_coding(upscaler, film, target, settings)
        job = Job(upscaler, film, read_clock(source), coding, settings)
        for words in (*film.notes, *coding.notes, *_rehearse(job, source, target)):
            note(words)
        folder = segment_folder(job, source, target)
        segments = write_segments(job, source, folder, progress)
        _join(job, source, segments, target)
    except av.FFmpegError as error:
        where = error.filename or target.name
        if isinstance(error, av.InvalidDataError) and where == str(source):
            raise HnasError(f"{source}: no film that FFmpeg can read, or a damaged one") from error
        raise HnasError(f"{source}: {error.strerror or error} ({where})") from error
    except OSError as error:
        raise HnasError(f"{error.filename or target}: {error.strerror or error}") from error
    shutil.rmtree(folder)


def _rehearse(job: Job, source: Path, target: Path) -> list[str]:
    """Opens a target of the same name with all its streams, and gives what is different in it."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        blank, made = Path(name) / _BLANK, Path(name) / f"target{target.suffix}"
        write_blank(job, blank)
        container = opened.enter_context(av.open(str(source)))
        segment = opened.enter_context(av.open(str(blank)))
        output = av.open(str(made), "w")
        try:
            return open_target(container, segment, job.film, output, target).notes
        finally:
            _drop(output)


def _drop(output: Any) -> None:
    """Closes a file that is not wanted, for which FFmpeg may find reasons not to end it well."""
    with suppress(av.FFmpegError, ValueError):
        output.close()


def _join(job: Job, source: Path, segments: Segments, target: Path) -> None:
    """Puts the segments one after the other, with the other streams of the source, into the target."""
    beside = target.with_name(f".{target.stem[-200:]}.joining{target.suffix}")
    try:
        with av.open(str(source)) as container, av.open(str(beside), "w") as output:
            with av.open(str(segments.paths[0])) as first:
                opened = open_target(container, first, job.film, output, target)
            wanted = [stream for stream in container.streams if stream.index in opened.passing]
            others = container.demux(*wanted) if wanted else iter(())
            frames = _with_durations(_packets(segments), segments.last)
            for packet in merge(_coded(frames, opened), _others(others, opened), key=_seconds):
                output.mux(packet)
            for packet in chain.from_iterable(ending() for ending in opened.ending):
                output.mux(packet)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _packets(segments: Segments) -> Iterator[Any]:
    for path in segments.paths:
        with av.open(str(path)) as segment:
            yield from (packet for packet in segment.demux(video=0) if packet.dts is not None)


def _with_durations(packets: Iterator[Any], last: Fraction) -> Iterator[Any]:
    """Each lasts until the next one, and the last one as long as it did in the source."""
    before: Any = None
    for packet in packets:
        if before is not None:
            before.duration = packet.pts - before.pts
            yield before
        before = packet
    if before is not None:
        before.duration = max(1, round(last / before.time_base))
        yield before


def _coded(packets: Iterator[Any], target: Target) -> Iterator[Any]:
    for packet in packets:
        packet.stream = target.video
        yield packet


def _others(packets: Iterator[Any], target: Target) -> Iterator[Any]:
    for packet in packets:
        if packet.dts is not None:
            yield from target.passing[packet.stream.index](packet)


def _seconds(packet: Any) -> Fraction:
    return Fraction(packet.dts * packet.time_base)
