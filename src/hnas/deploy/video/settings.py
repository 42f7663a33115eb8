"""How videos are coded, and what the containers take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hnas.errors import HnasError


@dataclass(frozen=True)
class Container:
    """A kind of file for videos.

    Attributes:
        codec: the encoder of FFmpeg for frames of 8 bits.
        deep_codec: that for frames of more.
        audio: the encoder for sound that the container does not take as it is.
        text: the encoder for subtitles of text that it does not take as they are.
        attachments: whether it holds files such as fonts.
    """

    codec: str = "libx264"
    deep_codec: str = "libx265"
    audio: str = "aac"
    text: str = "mov_text"
    attachments: bool = False


CONTAINERS = {
    ".mp4": Container(),
    ".mkv": Container(text="subrip", attachments=True),
    ".mov": Container(),
    ".webm": Container("libvpx-vp9", "libvpx-vp9", "libopus", "webvtt"),
}
ENDINGS = tuple(CONTAINERS)


@dataclass(frozen=True)
class VideoSettings:
    """How frames are coded.

    Attributes:
        codec: an encoder of FFmpeg; None is that of the container.
        crf: quality, lower is better and larger (libx264: 0 to 51).
        preset: speed against size, as the encoder knows it; for encoders that have none it has no effect.
        segment: frames in a segment, which is what a stop loses at most.
    """

    codec: str | None = None
    crf: int = 17
    preset: str = "medium"
    segment: int = 100


def container_of(target: Path) -> Container:
    """The kind of file that a name asks for.

    Raises:
        HnasError: videos are not written as such.
    """
    try:
        return CONTAINERS[target.suffix.lower()]
    except KeyError:
        raise HnasError(f"{target}: videos are written as {', '.join(ENDINGS)}") from None
