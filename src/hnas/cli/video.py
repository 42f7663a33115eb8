"""``hnas video``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hnas.cli.options import Device
from hnas.cli.progress import file_progress
from hnas.errors import HnasError


def video(
    source: Path,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    model: Annotated[str | None, Parameter(name=["--model", "-m"])] = None,
    scale: Annotated[int | None, Parameter(name=["--scale", "-s"])] = None,
    tile: Annotated[int | None, Parameter(name=["--tile", "-t"])] = None,
    codec: str | None = None,
    crf: int = 17,
    preset: str = "medium",
    segment: int = 100,
    device: Device = "cpu",
    backend: Literal["onnx", "openvino", "torch"] | None = None,
) -> None:
    """Enlarge a video: frame by frame, with sound, subtitles, chapters and times as they are (extra: video).

    Bits, layout and colour of the frames are kept where the codec can; what is different is said before the work.

    A job that was stopped goes on when the same command is given again.

    Args:
        source: Any video that FFmpeg reads.
        output: The file to write: .mp4, .mkv, .mov or .webm.
        model: Weights file, run folder, exported file, bundled model or Hub id; by default the best bundled model.
        scale: Chooses among the bundled models; must be the model's own where one is named.
        tile: Side of a tile in pixels of the input; by default as large as the free memory allows; 0 is no tiles.
        codec: An encoder of FFmpeg; by default libx264, libx265 for more than 8 bits, and libvpx-vp9 for .webm.
        crf: Quality; lower is better and larger.
        preset: Speed against size, as the encoder knows it.
        segment: Frames that are kept together; a stop loses so many at most.
        backend: What runs the network; by default onnx (onnxruntime) where a model comes as a graph, as bundled ones
            do, and torch for weights and other devices (extra: train).
    """
    from hnas.deploy.enlarge.models import load_for_scale
    from hnas.deploy.video import VideoSettings, upscale_video

    for option, value, least, most in (
        ("crf", crf, 0, 63),
        ("segment", segment, 1, 100_000),
        ("tile", tile, 0, 1 << 16),
    ):
        if value is not None and not least <= value <= most:
            raise HnasError(f"--{option} is {value}; allowed are {least} to {most}")
    upscaler = load_for_scale(model, scale, device=device, backend=backend, tile=tile)
    settings = VideoSettings(codec, crf, preset, segment)
    with file_progress(1) as begin:
        share = begin(0, str(source))
        upscale_video(
            upscaler,
            source,
            output,
            settings=settings,
            progress=lambda done, total: share(done / max(done, total or done)),
            note=lambda words: print(f"hnas: note: {source}: {words}", file=sys.stderr),
        )
    print(f"{source} -> {output}", file=sys.stderr)
