"""The page of the app and the server behind it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from hnas.errors import HnasError

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # nothing is reported to anyone; read at import
try:
    import gradio as gr
except ImportError as error:
    raise HnasError("the app needs Gradio; install it with: pip install 'hnas-sr[app]'") from error

from starlette.middleware import Middleware

from hnas.drawing.svg import stylesheet
from hnas.report.app.door import Door, Names
from hnas.report.app.enlarge import Enlarged, Enlarger, UploadLimits
from hnas.report.app.explore import Exploration, explore
from hnas.report.app.machine import SIZES, STEPS, design_archive, in_words, survey_machine
from hnas.report.app.storage import Storage

_SUFFIXES = [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"]
#: What stands on the page while networks are timed.
_TIMING = "Timing the networks, which takes less than a minute …"
#: Pictures that are enlarged for one person before the next one's turn comes.
_MOST = 24
#: People whose last pictures are remembered; those of the others, who came earlier, are to be enlarged again.
_PEOPLE = 64
#: A click on a point of the chart becomes an event with the point's number.
_ON_POINT = """
element.addEventListener("click", (event) => {
  const point = event.target.closest("[data-point]");
  if (!point) return;
  element.querySelector(".point.on")?.classList.remove("on");
  point.classList.add("on");
  trigger("select", { point: Number(point.dataset.point) });
});
"""


def build_app(enlarger: Enlarger, explorations: Mapping[str, Exploration], *, storage: Storage) -> Any:
    """The page with its three tabs.

    Args:
        enlarger: the networks on offer.
        explorations: searches by name; without any, their tab says how to make one.
        storage: where genotypes and networks that are taken away are written.

    Returns:
        The page as ``gradio.Blocks``.
    """
    with gr.Blocks(title="HNAS-SR", analytics_enabled=False, delete_cache=(600, 3600)) as app:
        gr.Markdown("# HNAS-SR\nSuper-resolution by searched networks. Everything stays on the machine that runs this.")
        with gr.Tab("Enlarge a picture"):
            _enlarge_tab(enlarger)
        with gr.Tab("What this machine can do"):
            _machine_tab(storage)
        with gr.Tab("Explore a search"):
            if explorations:
                _explore_tab(explorations, storage.folder)
            else:
                gr.Markdown("No search was given. Make one with `hnas search`, then start `hnas app --run FOLDER`.")
    return app


def _enlarge_tab(enlarger: Enlarger) -> None:
    first = enlarger.scales[0]
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            upload = gr.File(
                label="Pictures", file_types=_SUFFIXES, file_count="multiple", height=150, elem_id="upload"
            )  # fmt: skip
            scale = gr.Radio([(f"×{value}", value) for value in enlarger.scales], value=first, label="Scale")
            model = gr.Dropdown(enlarger.names(first), value=enlarger.usual(first), label="Model")
            start = gr.Button("Enlarge", variant="primary", elem_id="enlarge")
        with gr.Column(scale=3, min_width=320):
            slider = gr.ImageSlider(
                label="Before (bicubic) and after", type="filepath", format="png", interactive=False,
                max_height=620, elem_id="slider", buttons=["fullscreen"],
            )  # fmt: skip
            note = gr.Markdown(elem_id="note")
            download = gr.DownloadButton("Download PNG", interactive=False, elem_id="download")
            gallery = gr.Gallery(
                label="Your pictures", columns=6, height=150, object_fit="cover", allow_preview=False, visible=False,
                elem_id="pictures", buttons=[], interactive=False,
            )  # fmt: skip
    results = gr.State([])

    def choose_scale(value: int) -> Any:
        return gr.Dropdown(enlarger.names(value), value=enlarger.usual(value))

    def enlarge(paths: list[str] | None, name: str, progress: gr.Progress = gr.Progress()) -> Any:  # noqa: B008 - Gradio's way
        if not paths:
            raise gr.Error("Drop a picture first.", print_exception=False)
        if len(paths) > _MOST:
            raise gr.Error(f"{len(paths)} pictures; up to {_MOST} are taken at once.", print_exception=False)
        done: list[Enlarged] = []
        for index, path in enumerate(paths):
            file = Path(path).name
            words = f"{file}, {index + 1} of {len(paths)}" if len(paths) > 1 else file
            tell = partial(progress, desc=words)
            try:
                done.append(enlarger.enlarge(Path(path), name, name=file, progress=tell))
            except HnasError as error:
                if len(paths) == 1:
                    raise gr.Error(str(error), print_exception=False) from error
                gr.Warning(str(error))  # the others are enlarged all the same
        if not done:
            raise gr.Error("None of them was enlarged.", print_exception=False)
        thumbnails = [(one.thumbnail, one.result.name) for one in done]
        return *show(done[-1]), done, gr.Gallery(thumbnails, visible=len(done) > 1)

    def show(done: Enlarged) -> Any:
        download = gr.DownloadButton(value=str(done.result), interactive=True)
        return (str(done.before), str(done.after)), done.note, download

    def choose_picture(done: list[Enlarged], event: gr.SelectData) -> Any:
        if not 0 <= event.index < len(done):
            raise gr.Error("It is kept for a while only; enlarge it again.", print_exception=False)
        return show(done[event.index])

    gallery.select(choose_picture, results, [slider, note, download], api_visibility="private")
    scale.change(choose_scale, scale, model, api_visibility="private")
    # One at a time: two at once would only take turns on the same cores.
    start.click(
        enlarge, [upload, model], [slider, note, download, results, gallery], concurrency_limit=1,
        concurrency_id="work", api_visibility="private",
    )  # fmt: skip


def _machine_tab(storage: Storage) -> None:
    gr.Markdown("The best network inside the package for so many milliseconds, timed here in less than a minute.")
    with gr.Row():
        scale = gr.Radio([(f"×{value}", value) for value in (2, 3, 4)], value=2, label="Scale")
        size = gr.Dropdown(list(SIZES), value=next(iter(SIZES)), label="Size of the small picture")
        measure = gr.Button("What 10, 50 and 200 ms buy", elem_id="measure")
    buys = gr.Markdown(elem_id="buys")
    with gr.Row():
        limit = gr.Number(50, label="Limit, milliseconds", minimum=0, elem_id="limit")
        choose = gr.Button("Design", variant="primary", elem_id="design")
        network = gr.DownloadButton("Download the network", interactive=False, elem_id="network")
    chosen = gr.Markdown(elem_id="chosen")

    # What is said stands on the page at once and stays, where a message that floats would be gone before the work ends.
    def survey(scale: int, size: str) -> Iterator[str]:
        yield _TIMING
        try:
            yield in_words(survey_machine(scale, SIZES[size], limit_ms=max(STEPS) / 2)[0])
        except HnasError as error:
            yield f"**{error}**"

    def hand(scale: int, size: str, limit: float | None) -> Iterator[Any]:
        yield gr.DownloadButton(interactive=False), _TIMING
        try:
            archive, words = design_archive(scale, SIZES[size], limit or 0, storage)
        except HnasError as error:
            yield gr.DownloadButton(interactive=False), f"**{error}**"
        else:
            yield gr.DownloadButton(value=str(archive), interactive=True), words

    # In turns with enlarging, which would make it slower.
    turns: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "work", "api_visibility": "private"}
    measure.click(survey, [scale, size], buys, **turns)
    choose.click(hand, [scale, size, limit], [network, chosen], **turns)


def _explore_tab(explorations: Mapping[str, Exploration], folder: Path) -> None:
    names = list(explorations)
    first = explorations[names[0]]
    run = gr.Dropdown(names, value=names[0], label="Search", visible=len(names) > 1)
    chart = gr.HTML(first.html, js_on_load=_ON_POINT, apply_default_css=False, elem_id="chart")
    facts = gr.Markdown(first.facts(first.chart.selected), elem_id="facts")
    with gr.Row():
        use = gr.Button("Use this one", variant="primary", elem_id="use", scale=0, min_width=200)
        download = gr.DownloadButton(
            "Download its genotype", interactive=False, elem_id="genotype", scale=0, min_width=290
        )
    how = gr.Markdown(elem_id="how")
    cells = gr.HTML(first.cells(first.chart.selected), apply_default_css=False, elem_id="cells")
    selected = gr.State(first.chart.selected)

    def show(name: str, point: int) -> Any:
        exploration = explorations[name]
        return exploration.facts(point), exploration.cells(point), point, gr.DownloadButton(interactive=False), ""

    def choose_run(name: str) -> Any:
        exploration = explorations[name]
        return exploration.html, *show(name, exploration.chart.selected)

    def choose_point(name: str, event: gr.EventData) -> Any:
        point = getattr(event, "point", None)
        if not isinstance(point, int):
            raise gr.Error("That is no point of the chart.", print_exception=False)
        try:
            return show(name, point)
        except HnasError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def take(name: str, point: int) -> Any:
        path = explorations[name].save_genotype(point, Path(tempfile.mkdtemp(dir=folder)))
        text = (
            f"Download the genotype, then train it: `hnas train {path.name} --data FOLDER --run-dir runs/{path.stem}`"
        )
        return gr.DownloadButton(value=str(path), interactive=True), text

    shown = [facts, cells, selected, download, how]
    run.change(choose_run, run, [chart, *shown], api_visibility="private")
    chart.select(choose_point, run, shown, api_visibility="private")
    use.click(take, [run, selected], [download, how], api_visibility="private")


@contextmanager
def serving(
    models: Mapping[str, str | Path],
    *,
    runs: Sequence[Path] = (),
    host: str = "127.0.0.1",
    port: int = 7860,
    limits: UploadLimits | None = None,
    device: str = "cpu",
    open_browser: bool = False,
    allowed_hosts: Sequence[str] = (),
) -> Iterator[str]:
    """Serves the app inside a ``with`` block; gives its address.

    Args:
        models: name -> weights file, run folder or bundled model; one or more.
        runs: folders of searches to explore.
        host: 127.0.0.1 is reachable from this machine alone.
        port: where it listens.
        limits: what one person may ask for.
        device: where networks run.
        open_browser: open the page at once.
        allowed_hosts: further names that this machine is reached by, such as that of a proxy in front of it.

    Raises:
        HnasError: no models, a damaged model or run, or a port that is taken.
    """
    if not models:
        raise HnasError("the app needs a network; name a weights file or a bundled model")
    limits = limits or UploadLimits()
    explorations = {exploration.name: exploration for exploration in map(explore, runs)}
    with tempfile.TemporaryDirectory(prefix="hnas-app-") as folder:
        # Uploads and results live and die with this run; Gradio serves nothing from elsewhere.
        storage = Storage(Path(folder) / "served", limits.total_megabytes)
        os.environ["GRADIO_TEMP_DIR"] = str(storage.folder)
        enlarger = Enlarger(models, storage=storage, limits=limits, device=device)
        app = build_app(enlarger, explorations, storage=storage)
        app.queue(max_size=limits.waiting, api_open=False)  # no way past the queue
        door = Middleware(
            Door, names=Names.of(host, allowed_hosts), storage=storage, most=limits.megabytes * 1_000_000
        )  # fmt: skip
        try:
            _, address, _ = app.launch(
                server_name=host, server_port=port, inbrowser=open_browser, prevent_thread_lock=True, quiet=True,
                max_file_size=f"{limits.megabytes}mb", footer_links=[], theme=_theme(), css=_css(),
                allowed_paths=[], ssr_mode=False, share=False, enable_monitoring=False, state_session_capacity=_PEOPLE,
                app_kwargs={"middleware": [door]},
            )  # fmt: skip
        except OSError as error:
            raise HnasError(f"cannot serve at {host}:{port} ({error}); choose another --port") from error
        try:
            yield address
        finally:
            app.close(verbose=False)


def _theme() -> Any:
    """Fonts of the reader's own system: none is fetched."""
    return gr.themes.Default(
        primary_hue="blue",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )


def _css() -> str:
    """The rules of the charts within ``.hnas``, those of the drawings, and the colours of both."""
    folder = files("hnas.report") / "templates"
    palette = (folder / "palette.css").read_text(encoding="utf-8").replace(":root", ".hnas")
    charts = (folder / "charts.css").read_text(encoding="utf-8")
    genotypes = f"{stylesheet()}\n.hnas svg.genotype {{ max-width: none; border-radius: 8px; }}"
    return f"{palette}\n.hnas {{ {charts} }}\n{genotypes}"
