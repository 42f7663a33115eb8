"""Memory of one process that enlarges pictures for a long time, and of one that enlarges a large picture.

    python bench/memory_over_time.py same                      # 2,000 pictures of one size
    python bench/memory_over_time.py random                    # 2,000 pictures of sizes drawn at random
    python bench/memory_over_time.py folder                    # `hnas upscale` on a folder of 1,000 pictures
    python bench/memory_over_time.py large --limit-gb 2        # a picture of 24 megapixels under `ulimit -v`
    python bench/memory_over_time.py app                       # a running `hnas app`, 500 pictures one after the other
    python bench/memory_over_time.py pixel                     # what `hnas app` takes for every enlarged pixel

Pictures are noise, made anew from a seed. Printed as JSON: the resident memory, MB, after every hundred pictures, and
what the process grew by after the first hundred; of `large`, the limit, the status and the most that was resident.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from hnas.deploy.enlarge.models import load
from hnas.memory import keep_few_kernels, keep_memory

#: Side of pictures of one size, and the range of random sides, pixels.
SIDE, SIDES = 160, (16, 320)
#: Height and width of 24 megapixels.
LARGE = (4000, 6000)
HUNDRED = 100
HNAS = [sys.executable, "-m", "hnas"]


def megabytes(process: psutil.Process) -> float:
    """Resident memory of a process."""
    return float(process.memory_info().rss) / 1e6


def pictures(count: int, *, sides: tuple[int, int] | None) -> Iterator[NDArray[np.uint8]]:
    """Noise, (H, W, 3), of one size or of random ones."""
    draw = np.random.default_rng(0)
    for _ in range(count):
        height, width = draw.integers(*sides, size=2) if sides else (SIDE, SIDE)
        yield draw.integers(256, size=(height, width, 3), dtype=np.uint8)


def growth(after: Sequence[float]) -> dict[str, Any]:
    """Of the megabytes after every hundred."""
    rounded = [round(value, 1) for value in after]
    return {"megabytes": rounded, "grown": round(rounded[-1] - rounded[0], 1)}


def in_process(count: int, model: str, backend: str, sides: tuple[int, int] | None) -> dict[str, Any]:
    """Enlarges arrays in this process, which keeps memory as the commands do."""
    keep_memory()
    keep_few_kernels()
    upscaler, after = load(model, backend=backend), []  # type: ignore[arg-type]
    for index, picture in enumerate(pictures(count, sides=sides), start=1):
        upscaler.upscale(picture)
        if index % HUNDRED == 0:
            after.append(megabytes(psutil.Process()))
    return growth(after)


def folder(count: int, model: str) -> dict[str, Any]:
    """`hnas upscale` on a folder, seen from outside."""
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "in", Path(name) / "out"
        source.mkdir()
        for index, picture in enumerate(pictures(count, sides=SIDES)):
            Image.fromarray(picture).save(source / f"{index:04}.png")
        process = subprocess.Popen([*HNAS, "upscale", str(source), "-o", str(target), "-m", model, "--quiet"])
        seen, after = psutil.Process(process.pid), list[float]()
        while process.poll() is None:
            done = len(list(target.glob("*.png")))
            if done >= HUNDRED * (len(after) + 1):
                after.append(megabytes(seen))
            time.sleep(0.05)
        return growth(after) | {"status": process.returncode, "results": len(list(target.glob("*.png")))}


def large(limit_gb: float, model: str) -> dict[str, Any]:
    """A picture of 24 megapixels, by a process whose address space is limited; tiles of one thread's memory."""
    with tempfile.TemporaryDirectory() as name:
        path, most = Path(name) / "large.png", int(limit_gb * 1e9)
        (picture,) = np.random.default_rng(0).integers(256, size=(1, *LARGE, 3), dtype=np.uint8)
        Image.fromarray(picture).save(path, compress_level=1)
        del picture
        began = time.monotonic()
        done = subprocess.run(
            [*HNAS, "upscale", str(path), "-o", str(Path(name) / "out.png"), "-m", model, "--quiet"],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
            capture_output=True, text=True,
        )  # fmt: skip
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        left = sorted(child.name for child in Path(name).iterdir())
        said = done.stderr.strip().splitlines()[-1:]
        seconds = round(time.monotonic() - began)
        return {"limit_gb": limit_gb, "status": done.returncode, "most_mb": round(peak / 1e6), "files": left} | {
            "said": said, "seconds": seconds,
        }  # fmt: skip


def app(count: int, model: str) -> dict[str, Any]:
    """A running app; every picture is uploaded, enlarged and fetched over HTTP, as its page does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, after, most = f"http://127.0.0.1:{port}/gradio_api", list[float](), 0.0
    process = subprocess.Popen([*HNAS, "app", model, "--port", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        seen = psutil.Process(process.pid)
        event, done = event_of(f"http://127.0.0.1:{port}/"), 0
        for index, picture in enumerate(pictures(count, sides=SIDES), start=1):
            done += enlarged(address, event, picture, model, f"session-{index}")
            most = max(most, megabytes(seen))
            if index % HUNDRED == 0:
                after.append(megabytes(seen))
        return growth(after) | {"most": round(most, 1), "done": done}
    finally:
        process.terminate()
        process.wait()


def event_of(address: str) -> int:
    """The number of the event that enlarges pictures."""
    config = json.loads(ask(f"{address}config"))
    (found,) = (one["id"] for one in config["dependencies"] if (len(one["inputs"]), len(one["outputs"])) == (2, 5))
    return int(found)


def enlarged(address: str, event: int, picture: NDArray[np.uint8], model: str, session: str) -> bool:
    """Whether the app enlarges a picture."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    body = head + file.getvalue() + b"\r\n--x--\r\n"
    (path,) = json.loads(ask(f"{address}/upload", body, "multipart/form-data; boundary=x"))
    data = [[{"path": path, "meta": {"_type": "gradio.FileData"}}], model]
    asked = json.dumps({"data": data, "fn_index": event, "session_hash": session}).encode()
    ask(f"{address}/queue/join", asked, "application/json")
    for line in ask(f"{address}/queue/data?session_hash={session}").splitlines():
        said = json.loads(line[5:]) if line.startswith(b"data:") else {}
        if said.get("msg") == "process_completed":
            return bool(said["success"])
    return False


def ask(url: str, body: bytes | None = None, kind: str = "") -> bytes:
    """The answer to a request."""
    request = urllib.request.Request(url, body, {"Content-Type": kind} if kind else {})
    with urllib.request.urlopen(request, timeout=600) as answer:
        content: bytes = answer.read()
        return content


def pixel() -> dict[str, Any]:
    """Bytes of memory for every enlarged pixel in the app's hands, of 8 bits and with 16 bits and opacity."""
    found = {}
    for bits, channels in ((8, 3), (16, 4)):
        command = [sys.executable, __file__, "one-pixel", "--bits", str(bits), "--channels", str(channels)]
        found[f"{bits} bits, {channels} channels"] = float(subprocess.check_output(command, text=True))
    return found


def one_pixel(bits: int, channels: int) -> float:
    """In this process, which has done nothing before."""
    import imagecodecs

    from hnas.report.app.enlarge import Enlarger, UploadLimits
    from hnas.report.app.storage import Storage

    side = 900
    with tempfile.TemporaryDirectory() as name:
        enlarger = Enlarger({"m": "fast-x4"}, storage=Storage(Path(name) / "s", 9000), limits=UploadLimits(seconds=900))
        numbers = np.random.default_rng(0).integers(1 << bits, size=(side, side, channels), dtype=f"uint{bits}")
        path = Path(name) / "a.png"
        path.write_bytes(imagecodecs.png_encode(numbers))
        keep_memory()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        enlarger.enlarge(path, "m", name="a.png", progress=lambda share: None)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return (after - before) * 1024 / (16 * side * side)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("same", "random", "folder", "large", "app", "pixel", "one-pixel"))
    parser.add_argument("--count", type=int, help="pictures; 2,000, 1,000 in a folder, 500 in the app")
    parser.add_argument("--model", default="fast-x2")
    parser.add_argument("--backend", default="onnx", choices=("onnx", "openvino", "torch"))
    parser.add_argument("--limit-gb", type=float, default=2.0, help="address space of `large`")
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--channels", type=int, default=3)
    options = parser.parse_args()
    if options.what == "folder":
        print(json.dumps(folder(options.count or 1000, options.model)))
    elif options.what == "large":
        print(json.dumps(large(options.limit_gb, options.model)))
    elif options.what == "app":
        print(json.dumps(app(options.count or 500, options.model)))
    elif options.what == "pixel":
        print(json.dumps(pixel()))
    elif options.what == "one-pixel":
        print(one_pixel(options.bits, options.channels))
    else:
        sides = SIDES if options.what == "random" else None
        print(json.dumps(in_process(options.count or 2000, options.model, options.backend, sides)))


if __name__ == "__main__":
    main()
