"""Sound coded anew, for containers that do not take it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av

#: The one rate at which Opus is always taken, and any other encoder too.
_RATE = 48_000


class Recoded:
    """A stream of sound on its way from one codec to another.

    Args:
        output: the file that gets it.
        source: the stream that it comes from.
        codec: FFmpeg's name of the encoder.
    """

    def __init__(self, output: Any, source: Any, codec: str) -> None:
        layout = source.codec_context.layout.name
        self.stream = output.add_stream(codec, rate=_RATE, layout=layout)
        self._source = source
        self._layout = layout
        self._resampler: Any = None

    def packets(self, packet: Any) -> Iterator[Any]:
        """What is to be written when this packet has come."""
        for frame in packet.decode():
            yield from self._coded(frame)

    def rest(self) -> Iterator[Any]:
        """What is to be written after the last packet."""
        for frame in self._source.decode(None):
            yield from self._coded(frame)
        yield from self._coded(None)
        yield from self.stream.encode(None)

    def _coded(self, frame: Any) -> Iterator[Any]:
        if self._resampler is None:
            if frame is None:
                return
            context = self.stream.codec_context
            self._resampler = av.AudioResampler(context.format, self._layout, _RATE, context.frame_size or 1024)
        for piece in self._resampler.resample(frame):
            yield from self.stream.encode(piece)
