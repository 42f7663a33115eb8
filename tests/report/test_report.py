"""The report of a run: what the page holds, read from the page itself."""

from __future__ import annotations

import base64
import html.parser
import json
import re
import shutil
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnas.cli.main import main
from hnas.errors import HnasError
from hnas.report.page import write_report
from hnas.report.run import read_run
from hnas.searching.candidates import compare
from hnas.space.cells import CellGenotype
from tests.report.example import make_run


class Page(html.parser.HTMLParser):
    """Elements with their attributes, and the text of scripts and headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.headings: list[str] = []
        self._inside = ("", "")
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._inside = (tag, dict(attributes).get("id") or "")

    def handle_endtag(self, tag):
        self._inside = ("", "")

    def handle_data(self, data):
        tag, identity = self._inside
        if tag == "script":
            self.scripts[identity] = self.scripts.get(identity, "") + data
        if tag == "h2":
            self.headings.append(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "example")


@pytest.fixture(scope="module")
def page(run) -> Page:
    return Page(write_report(run).read_text())


def test_every_part_has_its_section(page):
    assert page.headings == [
        "Before and after",
        "Measured",
        "Every genotype scored",
        "The search",
        "What the search drew",
        "The training",
        "Settings and provenance",
    ]


def test_nothing_is_asked_of_any_network(page, run):
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "xlink:href", "poster", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith("data:image/png;base64,"), f"<{tag} {name}>"
    text = (run / "report.html").read_text()
    outside = set(re.findall(r"https?://[^\s\"'<>)]+", text))
    assert outside <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in text
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_points_stand_where_cost_and_psnr_say(page, run):
    data = json.loads(page.scripts["front-data"])
    buttons = [a for tag, a in page.elements if tag == "button" and "data-point" in a]
    assert len(buttons) == len(data["points"]) == len((run / "candidates.jsonl").read_text().splitlines())
    places = []
    for button in buttons:
        left, bottom = (float(value) for value in re.findall(r"([\d.]+)%", button["style"]))
        point = data["points"][int(button["data-point"])]
        places.append((left, bottom, point["macs"], point["psnr"]))
    for across, value in ((0, 2), (1, 3)):  # places rise with what they stand for
        ordered = [place[across] for place in sorted(places, key=lambda place: place[value])]
        assert ordered == pytest.approx(sorted(ordered), abs=0.02)


def test_every_point_brings_its_own_cells(page):
    data = json.loads(page.scripts["front-data"])
    drawings = zlib.decompress(base64.b64decode(page.scripts["front-drawings"])).decode().split("\0")
    assert len(drawings) == len(data["genotypes"])
    for point in data["points"][:: len(data["points"]) // 20]:
        genotype = CellGenotype.from_dict(data["genotypes"][point["drawing"]])
        title = ElementTree.fromstring(drawings[point["drawing"]]).findtext("{http://www.w3.org/2000/svg}title")
        assert f"{genotype.layers} layers, upsampling cell at {genotype.position}" in title
        for edge in genotype.normal.edges:
            assert f"{edge.operation}({edge.source})" in title


def test_the_front_is_that_of_the_finalists(run):
    finalists = [candidate for candidate in read_run(run).candidates if candidate.source == "derive"]
    front = compare(finalists).front
    for one in finalists:  # by the definition
        beaten = any(
            other.macs <= one.macs and other.psnr >= one.psnr and (other.macs, other.psnr) != (one.macs, one.psnr)
            for other in finalists
        )
        assert (one in front) != beaten


def test_chosen_point_is_marked_and_shown_first(page):
    data = json.loads(page.scripts["front-data"])
    marked = [point for point in data["points"] if point["mark"] == "chosen"]
    assert len(marked) == 1
    first = next(int(a["data-first"]) for tag, a in page.elements if "data-first" in a)
    assert data["points"][first] == marked[0]


def test_gain_over_bicubic_is_printed(run):
    text = write_report(run).read_text()
    assert "+1.03 dB" in text  # 31.04 - 30.01
    assert "for an LR picture of 480x480" in text
    assert text.count("<span>bicubic, 29.57 dB</span>") == 1  # that picture's own figure, where it was measured
    assert re.search(r"<td>31\.04</td>\s*<td>\+1\.03</td>\s*<td>0\.9155</td>\s*<td>31\.12</td>", text)


def test_pictures_are_inlined_as_they_are(page, run):
    sources = [a["src"] for tag, a in page.elements if tag == "img"]
    inlined = {base64.b64decode(source.split(",", 1)[1]) for source in sources}
    kinds = ("bicubic", "sr", "hr")
    assert inlined == {
        (run / "pictures" / f"{name}_{kind}.png").read_bytes() for name in ("coffee", "chelsea") for kind in kinds
    }


PARTS = {
    "log.jsonl": ("The search", "The training"),
    "candidates.jsonl": ("Every genotype scored", "What the search drew"),
    "evaluation.json": ("Measured",),
    "pictures": ("Before and after",),
}


@pytest.mark.parametrize("part", [*PARTS, "genotype.json"])
def test_a_missing_part_is_left_out(run, tmp_path, page, part):
    copy = shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(copy / part) if (copy / part).is_dir() else (copy / part).unlink()
    headings = Page(write_report(copy).read_text()).headings
    expected = [heading for heading in page.headings if heading not in PARTS.get(part, ())]
    if part == "candidates.jsonl":
        expected.insert(2, "The network")
    assert headings == expected


def test_a_run_that_just_began(tmp_path):
    (tmp_path / "config.yaml").write_text("command: train\n")
    (tmp_path / "log.jsonl").write_text('{"phase": "train", "step": 1, "loss": NaN}\n{"phase": "tra')
    assert Page(write_report(tmp_path).read_text()).headings == ["Settings and provenance"]


def test_text_from_files_cannot_become_markup(tmp_path):
    run = make_run(tmp_path / "run", steps=12, pictures=False)
    row = {"model": "</script><b>x", "dataset": "<img src=x onerror=alert(1)>", "psnr": 30.0}
    (run / "evaluation.json").write_text(json.dumps([row]))
    (run / "config.yaml").write_text("command: '</style><script>alert(1)</script>'\n")
    lines = [json.loads(line) for line in (run / "candidates.jsonl").read_text().splitlines()]
    (run / "candidates.jsonl").write_text(
        "".join(json.dumps({**line, "source": "</script><b>"}) + "\n" for line in lines)
    )
    text = write_report(run).read_text()
    assert "onerror=alert(1)>" not in text
    assert "<b>x" not in text
    assert text.count("</script>") == 3  # the two blocks of data and the page's own
    assert not {"b>"} & set(Page(text).scripts)


def test_many_candidates_are_thinned_but_the_front_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("hnas.report.front.MAX_POINTS", 50)
    run = make_run(tmp_path / "run", steps=150, pictures=False)
    page = Page(write_report(run).read_text())
    points = json.loads(page.scripts["front-data"])["points"]
    assert len(points) == 50
    front = compare(read_run(run).candidates).front
    shown = {(point["macs"], point["psnr"]) for point in points}
    assert {(candidate.macs, candidate.psnr) for candidate in front} <= shown


def test_a_few_failures_do_not_squeeze_the_chart(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    lines = [json.loads(line) for line in (copy / "candidates.jsonl").read_text().splitlines()]
    lines[0] |= {"psnr": 5.0, "gain": -25.0, "reward": float("nan")}
    (copy / "candidates.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = write_report(copy).read_text()
    assert "1 far below the others" in text
    assert "NaN" not in Page(text).scripts["front-data"], "browsers refuse JSON with NaN"
    buttons = [a for tag, a in Page(text).elements if tag == "button" and "data-point" in a]
    heights = sorted(float(re.findall(r"bottom:([\d.]+)%", button["style"])[0]) for button in buttons)
    assert heights[len(heights) // 2] < 90  # else the failure would push all others to the top


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("log.jsonl", '{"step": 1}\nnonsense\n', r"log\.jsonl, line 2"),
        ("log.jsonl", "[1]\n", r"log\.jsonl, line 1"),
        ("candidates.jsonl", '{"psnr": 1}\n', r"candidates\.jsonl, line 1"),
        ("candidates.jsonl", '{"psnr": 1, "macs": 1, "genotype": {}}\n', r"candidates\.jsonl, line 1.*format"),
        ("candidates.jsonl", '{"psnr": NaN, "macs": 1, "genotype": {}}\n', r"candidates\.jsonl, line 1.*finite"),
        ("genotype.json", "{}", r"genotype\.json"),
        ("evaluation.json", "{}", r"evaluation\.json"),
        ("weights.safetensors", "abc", r"weights\.safetensors"),
        ("config.yaml", "- 1", r"config\.yaml"),
        ("pictures/coffee_sr.png", "abc", r"coffee_sr\.png"),
    ],
)
def test_damaged_files_are_named(run, tmp_path, capsys, file, content, message):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "report.html").unlink(missing_ok=True)
    (copy / file).write_text(content)
    with pytest.raises(HnasError, match=message):
        write_report(copy)
    assert not (copy / "report.html").exists()


def test_versions_of_a_picture_must_have_one_size(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    shutil.copy(copy / "pictures" / "coffee_lr.png", copy / "pictures" / "coffee_sr.png")
    with pytest.raises(HnasError, match=r"coffee_bicubic\.png.*one size"):
        write_report(copy)


def test_command(run, capsys):
    assert main(["report", str(run)]) == 0
    assert capsys.readouterr().out.strip() == str(run / "report.html")
    assert main(["report", str(run / "absent")]) == 2
    assert "no such run folder" in capsys.readouterr().err


def test_warnings_are_said_once_with_their_last_figures(run):
    text = write_report(run).read_text()
    assert "random genotypes differ by 0.09 dB: raise warmup" in text
    assert "9 times, last in round 9" in text
    assert "0.08 dB" not in text


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
candidate_like = st.fixed_dictionaries({}, optional=dict.fromkeys(("genotype", "psnr", "gain", "macs"), json_values))
line_like = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("phase", "step", "reward", "entropy", "supernet", "warnings", "loss"), json_values)
)


@settings(deadline=None, max_examples=30)
@given(file=st.sampled_from(["log.jsonl", "candidates.jsonl", "evaluation.json"]), content=st.text(max_size=60))
def test_any_text_is_read_or_refused_by_name(tmp_path_factory, file, content):
    folder = tmp_path_factory.mktemp("run")
    (folder / "config.yaml").write_text("command: search\n")
    (folder / file).write_text(content, encoding="utf-8", errors="surrogatepass")
    message = ""
    try:
        read_run(folder)
    except HnasError as error:
        message = str(error)
    assert not message or file in message


@settings(deadline=None, max_examples=30)
@given(
    candidate=candidate_like,
    lines=st.lists(line_like | line_like.map(lambda line: {**line, "phase": "search"}), max_size=4),
)
def test_any_values_are_shown_or_refused_by_name(tmp_path_factory, candidate, lines):
    folder = tmp_path_factory.mktemp("run")
    (folder / "config.yaml").write_text("command: search\n")
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "candidates.jsonl").write_text(json.dumps(candidate) + "\n")
    with pytest.raises(HnasError, match=r"(candidates|log)\.jsonl, line \d"):
        write_report(folder)
    (folder / "candidates.jsonl").unlink()
    refused = ""
    try:
        write_report(folder)
    except HnasError as error:  # a number that no reader takes
        refused = str(error)
    assert not refused or "log.jsonl, line" in refused
