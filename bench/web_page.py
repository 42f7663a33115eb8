"""Milliseconds for a megapixel by the page of `hnas export --format web` in Chromium, and by onnxruntime, in turns.

    python bench/web_page.py --models fast-x2 best-x2 --rounds 5

Needs Playwright, Chromium and npm. The least of the rounds stands, so that what else the machine does counts little.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import Any

import numpy as np

from hnas.bundled import bundled_graph
from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.running.backends import RuntimeBackend
from hnas.deploy.running.runtimes import onnx_session
from hnas.deploy.web.graphs import graphs_of
from hnas.deploy.web.site import write_site
from hnas.extras import script_needs

#: A quarter of a megapixel: one tile for the quick model, several for the large one.
SIDE = 500
#: Starts a worker with so many threads; then enlarges a picture and gives the milliseconds.
START = """async ([threads]) => {
  const { Network } = await import("./network.js");
  (self.networks ??= {})[threads] = new Network();
  self.models ??= await (await fetch("models.json")).json();
  return await self.networks[threads].start("wasm", threads);
}"""
ENLARGE = """async ([threads, name, side]) => {
  const rgba = new Uint8ClampedArray(4 * side * side).map((_, at) => at % 4 === 3 ? 255 : (at * 2654435761) >>> 24);
  const model = self.models.find((one) => one.name === name);
  return (await self.networks[threads].enlarge(model, new ImageData(rgba, side, side))).milliseconds;
}"""


@contextmanager
def page(models: list[str]) -> Iterator[Any]:
    """The page in a browser, allowed several threads."""
    script_needs("playwright")
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, graphs_of(models) as graphs:
        write_site(graphs, Path(folder) / "site")
        handler = partial(SimpleHTTPRequestHandler, directory=str(Path(folder) / "site"))
        handler.func.log_message = lambda *arguments: None  # type: ignore[attr-defined]
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as playwright:
            Thread(target=server.serve_forever, daemon=True).start()
            flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            browser = playwright.chromium.launch(executable_path=chromium, args=flags)
            opened = browser.new_page()
            opened.set_default_timeout(600_000)
            opened.goto(f"http://127.0.0.1:{server.server_port}/?device=wasm&threads=1")
            opened.wait_for_selector("body[data-ready]")
            yield opened
            browser.close()
            server.shutdown()


def here(model: str, threads: int) -> Callable[[], float]:
    """One picture by onnxruntime, through the same tiles."""
    graph = bundled_graph(model)
    assert graph is not None
    run, said = onnx_session(graph, threads=threads)
    upscaler = Upscaler(RuntimeBackend(run, said["footprint"]))
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)

    def once() -> float:
        began = perf_counter()
        upscaler.upscale(picture)
        return 1000 * (perf_counter() - began)

    return once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["fast-x2", "best-x2"])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with page(arguments.models) as opened:
        ways: dict[tuple[str, str, int], Callable[[], float]] = {}
        for threads in (1, 2):
            found = opened.evaluate(START, [threads])
            assert found["threads"] == threads, found
            for model in arguments.models:
                ways[model, "page", threads] = partial(opened.evaluate, ENLARGE, [threads, model, SIDE])
                ways[model, "onnxruntime", threads] = here(model, threads)
        times = {way: [once() for _ in range(1)] for way, once in ways.items()}  # and all is warm
        for _ in range(arguments.rounds):
            for way, once in ways.items():
                times[way].append(once())
    print("| model | page, 1 thread | page, 2 threads | onnxruntime, 1 thread | onnxruntime, 2 threads |")
    print("|---|---:|---:|---:|---:|")
    for model in arguments.models:
        columns = [(where, threads) for where in ("page", "onnxruntime") for threads in (1, 2)]
        print(
            f"| {model} | "
            + " | ".join(f"{min(times[model, *column]) * 1e6 / SIDE**2:.0f}" for column in columns)
            + " |"
        )


if __name__ == "__main__":
    main()
