"""What a video file says of its frames, and what of that an enlarged one cannot have."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.sidedata.sidedata import Type

from hnas.deploy.video.turning import Turn, turn_of
from hnas.errors import HnasError

#: Without a note on it, players take small pictures for BT.601 and large ones for BT.709.
_HD_HEIGHT = 720
#: Matrices of YCbCr by their numbers in ITU-T H.273.
BT709, BT601, BT2020 = 1, 5, 9
_RGB, _UNKNOWN = 0, 2
_TRANSFERS = {16: "PQ (SMPTE ST 2084)", 18: "HLG (ARIB STD-B67)"}
#: What frames carry beside their pixels and is left out, in words.
_LIGHT = {
    Type.MASTERING_DISPLAY_METADATA: "mastering display", Type.CONTENT_LIGHT_LEVEL: "light levels",
    Type.DYNAMIC_HDR_PLUS: "HDR10+", Type.DOVI_METADATA: "Dolby Vision", Type.DOVI_RPU_BUFFER: "Dolby Vision",
    Type.A53_CC: "closed captions",
}  # fmt: skip


@dataclass(frozen=True)
class Film:
    """What the first frame and its stream say of all frames.

    Attributes:
        width, height: of a frame as it is coded, pixels.
        format: FFmpeg's name of the layout of its values, such as ``yuv420p10le``.
        bits: of a value.
        matrix, primaries, transfer, full_range: what the values mean, in the numbers of ITU-T H.273; 2 is unknown, and
            ``full_range`` is FFmpeg's 1 (limited), 2 (full) or 0 (unknown).
        matrix_used: the matrix by which the frames are decoded.
        turn: how the frames are to be turned to be upright.
        pixel_aspect: width of a pixel through its height, as it is coded.
        rate: frames a second, on average.
        notes: what is different in the enlarged film, in words for the person to see.
    """

    width: int
    height: int
    format: str
    bits: int
    matrix: int
    primaries: int
    transfer: int
    full_range: int
    matrix_used: int
    turn: Turn
    pixel_aspect: Fraction | None
    rate: Fraction
    notes: tuple[str, ...]


def read_film(source: Path) -> Film:
    """Decodes the first frame.

    Raises:
        HnasError: there is no video in the file, or no frame in that.
    """
    with av.open(str(source)) as container:
        if not container.streams.video:
            raise HnasError(f"{source}: there is no video in it")
        stream = container.streams.video[0]
        frame = next(container.decode(stream), None)
        if frame is None:
            raise HnasError(f"{source}: there are no frames in it")
        side_data: Any = frame.side_data
        turn = turn_of(side_data.get(Type.DISPLAYMATRIX))
        notes = []
        if turn is None:
            notes.append("its frames are turned by an angle that is no quarter turn; they are left as they are")
        if frame.interlaced_frame:
            notes.append("its frames are interlaced and are enlarged as if they were not; deinterlace it first")
        if frame.color_trc in _TRANSFERS:
            notes.append(f"its brightness is coded as {_TRANSFERS[frame.color_trc]}; that is kept")
        if any(component.is_alpha for component in frame.format.components):
            notes.append("its transparency is left out")
        light = {words for kind, words in _LIGHT.items() if side_data.get(kind) is not None}
        if light:
            notes.append(f"left out: {', '.join(sorted(light))}")
        return Film(
            width=frame.width,
            height=frame.height,
            format=frame.format.name,
            bits=max(component.bits for component in frame.format.components),
            matrix=int(frame.colorspace),
            primaries=int(frame.color_primaries),
            transfer=int(frame.color_trc),
            full_range=int(frame.color_range),
            matrix_used=_matrix(frame),
            turn=turn or Turn(),
            pixel_aspect=stream.sample_aspect_ratio or None,
            rate=stream.average_rate or stream.guessed_rate or Fraction(25),
            notes=tuple(notes),
        )


def _matrix(frame: Any) -> int:
    """FFmpeg's number of the frame's matrix of YCbCr: as noted, else by the size."""
    known = {BT709: BT709, 4: 4, BT601: BT601, 6: BT601, 7: 7, BT2020: BT2020, 10: BT2020}
    if frame.colorspace in known:
        return known[frame.colorspace]
    return BT709 if frame.height >= _HD_HEIGHT else BT601
