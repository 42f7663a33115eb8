"""Subtitles of text from one coding to another, as plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av


def text_packets(packet: Any, stream: Any, codec: str) -> Iterator[Any]:
    """The packet's lines as one of another stream.

    Args:
        packet: of subtitles.
        stream: the new one.
        codec: of that, ``mov_text``, ``subrip`` or ``webvtt``.
    """
    lines = [bytes(line.dialogue) for line in packet.decode() if hasattr(line, "dialogue")]
    text = b"\n".join(line for line in lines if line)
    if codec == "mov_text":  # 3GPP TS 26.245, 5.17: length and UTF-8
        text = len(text).to_bytes(2, "big") + text
    made = av.Packet(text)
    made.pts = made.dts = packet.pts
    made.duration, made.time_base = packet.duration, packet.time_base
    made.stream = stream
    yield made
