"""The enlarged film's file: which streams of the source it has beside the frames, and what it cannot have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from hnas.deploy.video.film import Film
from hnas.deploy.video.settings import container_of
from hnas.deploy.video.sound import Recoded
from hnas.deploy.video.text import text_packets
from hnas.errors import HnasError

#: Entries that say how a file was written, which is not how this one is.
_STORAGE = {"encoder", "major_brand", "minor_version", "compatible_brands", "duration", "vendor_id", "creation_time"}
_STATISTICS = ("bps", "number_of_", "_statistics_")
#: Codecs of subtitles that are text.
_TEXT = {"srt", "subrip", "ass", "ssa", "mov_text", "webvtt", "text"}

#: Gives what is to be written of a packet.
Passing = Callable[[Any], Iterator[Any]]


@dataclass
class Target:
    """An opened file.

    Attributes:
        output: what is written to.
        video: its stream of frames.
        passing: for each stream of the source that goes on, by its index: what becomes of its packets.
        ending: for those that are coded anew: what is still to be written at the end.
        notes: what is different, in words.
    """

    output: Any
    video: Any
    passing: dict[int, Passing] = field(default_factory=dict)
    ending: list[Callable[[], Iterator[Any]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def open_target(source: Any, segment: Any, film: Film, output: Any, path: Path) -> Target:
    """Adds all streams, and writes the header.

    Args:
        source: the opened source.
        segment: an opened segment.
        film: what the source's frames are.
        output: opened for writing.
        path: the name of the target.

    Raises:
        HnasError: the target cannot hold what a stream has.
    """
    coded = segment.streams.video[0]
    try:
        video = output.add_stream_from_template(coded)
    except ValueError as error:
        codec = coded.codec_context.name
        raise HnasError(f"{path}: {path.suffix} does not take {codec}; leave --codec out, or use .mkv") from error
    video.framerate = film.rate
    context = video.codec_context  # not every coding says what the values mean, but the containers do
    context.colorspace, context.color_primaries = film.matrix, film.primaries
    context.color_trc, context.color_range = film.transfer, film.full_range
    target = Target(output, video)
    first = source.streams.video[0]
    chapters = source.chapters()
    for stream in source.streams:
        if stream.type == "data" and chapters and "timecode" not in stream.metadata:
            continue  # the track in which an MP4 keeps the chapters' names
        if stream.index == first.index:
            video.metadata.update(_told(stream.metadata))
            video.disposition = stream.disposition
        else:
            _add(target, stream, path)
    output.metadata.update(_told(source.metadata))
    if chapters:
        output.set_chapters(chapters)
    try:
        output.start_encoding()
    except (ValueError, av.FFmpegError) as error:
        raise HnasError(f"{path}: {path.suffix} does not take these streams ({error}); .mkv takes any") from error
    return target


def _add(target: Target, stream: Any, path: Path) -> None:
    """A stream of the source, as it is, coded anew, or left out with a word."""
    container = container_of(path)
    codec = stream.codec_context.codec.name if stream.codec_context else ""
    if stream.type == "attachment":
        if container.attachments:
            name = stream.metadata.get("filename", stream.name or "attachment")
            target.output.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)
        else:
            target.notes.append(f"{path.suffix} holds no attachments: {_called(stream)} is left out")
        return
    if stream.type not in ("audio", "subtitle"):
        kind = "further picture" if stream.type == "video" else stream.type
        target.notes.append(f"{kind} stream {_called(stream)} is left out")
        return
    if _is_taken(target.output, codec, path):
        added = target.output.add_stream_from_template(stream)
        target.passing[stream.index] = lambda packet: _moved(packet, added)
    elif stream.type == "audio":
        recoded = Recoded(target.output, stream, container.audio)
        added = recoded.stream
        target.passing[stream.index], ending = recoded.packets, recoded.rest
        target.ending.append(ending)
        target.notes.append(f"{path.suffix} takes no {codec}: {_called(stream)} is coded anew as {container.audio}")
    elif codec in _TEXT:
        added = target.output.add_stream(container.text)
        added.codec_context.subtitle_header = stream.codec_context.subtitle_header or _plain_header()
        added.time_base = stream.time_base
        text = container.text
        target.passing[stream.index] = lambda packet: text_packets(packet, added, text)
        target.notes.append(f"{path.suffix} takes no {codec}: {_called(stream)} becomes plain {text}")
    else:
        target.notes.append(f"{path.suffix} takes no {codec}: {_called(stream)} is left out")
        return
    added.metadata.update(_told(stream.metadata))
    added.disposition = stream.disposition


def _is_taken(output: Any, codec: str, path: Path) -> bool:
    if path.suffix.lower() in (".mp4", ".mov") and codec in _TEXT:  # FFmpeg's table says so of some that it refuses
        return codec == "mov_text"
    if path.suffix.lower() == ".webm":
        return codec in ("opus", "libopus", "vorbis", "libvorbis", "webvtt")
    return codec in output.supported_codecs and not (path.suffix.lower() == ".mkv" and codec == "mov_text")


def _called(stream: Any) -> str:
    words = [stream.metadata[key] for key in ("language", "title", "filename") if stream.metadata.get(key)]
    return " ".join([str(stream.index), *(f"({word})" for word in words if word != "und")])


def _told(metadata: Mapping[str, str]) -> dict[str, str]:
    """What a person wrote about a file or stream."""
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in _STORAGE and not key.lower().startswith(_STATISTICS)
    }


def _moved(packet: Any, stream: Any) -> Iterator[Any]:
    packet.stream = stream
    yield packet


def _plain_header() -> bytes:
    """The head that FFmpeg's encoders of text need; they take nothing from it but that there is one."""
    return (
        b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[V4+ Styles]\r\nFormat: Name, Fontname, Fontsize, PrimaryColour, "
        b"SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, "
        b"Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\r\n"
        b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\r\n\r\n"
        b"[Events]\r\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
    )
