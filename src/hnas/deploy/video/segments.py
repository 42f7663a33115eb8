"""The coded frames in files of so many each, which survive a stop."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import numpy as np

from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.video.coding import Coding, add_encoder
from hnas.deploy.video.film import Film
from hnas.deploy.video.pictures import enlarged_planes, enlarged_rgb, frame_of
from hnas.deploy.video.settings import VideoSettings
from hnas.deploy.video.timing import Clock, Timed, timed
from hnas.errors import HnasError
from hnas.files import make_folder

#: Segments are kept in a container that holds any time base exactly.
SEGMENT_FORMAT = "nut"

#: Is told the number of frames done and, where the file says so, that of all.
FrameProgress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Job:
    """All that decides what the coded frames are."""

    upscaler: Upscaler
    film: Film
    clock: Clock
    coding: Coding
    settings: VideoSettings


@dataclass(frozen=True)
class Segments:
    """The coded frames.

    Attributes:
        paths: of the files, in order.
        last: seconds for which the last frame is shown.
    """

    paths: tuple[Path, ...]
    last: Fraction


def segment_folder(job: Job, source: Path, target: Path) -> Path:
    """The folder of this very job: another source, model or setting has another one.

    Raises:
        HnasError: the source is missing.
    """
    try:
        stat = source.stat()
    except OSError as error:
        raise HnasError(f"{source}: {error.strerror}") from error
    probe = job.upscaler.upscale(np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8))
    what = [
        *(stat.st_size, stat.st_mtime_ns, repr(job.settings), repr(job.film), repr(job.coding), repr(job.clock)),
        *(job.upscaler.scale, hashlib.sha256(probe.tobytes()).hexdigest()),
    ]
    digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:12]
    folder = target.with_name(f".{target.name[-200:]}.{digest}.segments")
    make_folder(folder)
    return folder


def write_segments(job: Job, source: Path, folder: Path, progress: FrameProgress) -> Segments:
    """Codes the segments that are missing; frames of the others are decoded and passed over."""
    paths = []
    last = Fraction(0)
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        total = stream.frames or None

        def seen(frames: Iterator[Timed]) -> Iterator[Timed]:
            nonlocal last
            for each in frames:
                last = each.duration * job.clock.time_base
                yield each
                progress(each.index + 1, total)

        frames = timed(container.decode(stream), job.clock)
        for number, group in groupby(frames, lambda each: each.index // job.settings.segment):
            path = folder / f"{number:06}.{SEGMENT_FORMAT}"
            if path.exists():
                for _ in seen(group):
                    pass
            else:
                beside = path.with_suffix(".tmp")
                write_segment(job, seen(group), beside)
                beside.replace(path)
            paths.append(path)
    return Segments(tuple(paths), last)


def write_segment(job: Job, frames: Iterator[Timed], path: Path) -> None:
    """Codes frames into one file."""
    with av.open(str(path), "w", format=SEGMENT_FORMAT) as output:
        encoder = add_encoder(output, job.coding, job.film, job.clock.time_base, job.settings)
        for each in frames:
            coded = _coded(job, each.frame)
            coded.pts, coded.time_base = each.pts, job.clock.time_base
            output.mux(encoder.encode(coded))
        output.mux(encoder.encode())


def _coded(job: Job, frame: Any) -> Any:
    if (frame.width, frame.height, frame.format.name) != (job.film.width, job.film.height, job.film.format):
        frame = frame.reformat(job.film.width, job.film.height, job.film.format)  # a film that changes its size
    size = (job.coding.width, job.coding.height)
    if job.coding.by_planes:
        return frame_of(enlarged_planes(job.upscaler, frame, job.film, *size), job.film, job.coding.format)
    return frame_of(enlarged_rgb(job.upscaler, frame, job.film, *size), job.film, job.coding.format)


def write_blank(job: Job, path: Path) -> None:
    """Codes one gray frame, as all others will be: what a target needs to know of them before there are any."""
    with av.open(str(path), "w", format=SEGMENT_FORMAT) as output:
        encoder = add_encoder(output, job.coding, job.film, job.clock.time_base, job.settings)
        blank = np.full((job.coding.height, job.coding.width, 3), 128, np.uint8)
        frame = frame_of(blank, job.film, job.coding.format)
        frame.pts, frame.time_base = 0, job.clock.time_base
        output.mux(encoder.encode(frame))
        output.mux(encoder.encode())
