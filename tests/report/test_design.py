"""The report of a design, with made times: what it shows, and that it needs nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from hnas.deploy.design.attainable import Attainable, Peer, gather
from hnas.deploy.design.choice import Requirements
from hnas.deploy.design.within_limits import Design
from hnas.deploy.timing.stopwatch import Machine
from hnas.report.design import render_design
from hnas.report.design_chart import design_chart
from tests.deploy.made_family import candidate

FAMILY = [
    candidate("tiny", 32.0, macs=10**9),
    candidate("odd", 31.5, macs=2 * 10**9),
    candidate("small", 33.0, macs=3 * 10**9),
    candidate("large", 34.0, macs=9 * 10**9),
]
TIMES = {"tiny": 10.0, "odd": 12.0, "small": 30.0, "large": 90.0, "ETDS-<T>": 31.0}
PEERS = [Peer("ETDS-<T>", 10**9, 1000, {"Set5": 36.5}, b""), Peer("ESPCN", 10**9, 1000, {"Set5": 36.0}, b"")]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Design]:
    monkeypatch.setattr("hnas.deploy.timing.stopwatch.runtime_version", lambda backend: "onnxruntime 1.0")

    def made(limits: Requirements, peers: bool = True) -> Design:
        how = dict.fromkeys(TIMES, "timed") | {"small": "measured", "large": "predicted"}
        found: Attainable = gather(FAMILY, PEERS if peers else [], Machine("onnx", 2, (36, 64)), TIMES, how)  # type: ignore[arg-type]
        small = next(one for one in found.family if one.candidate.name == "small")
        return Design(limits, small, 28.0, found)

    return made


class Page(HTMLParser):
    """Its text, its tags, and what it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.fetched, self.open = list[str](), list[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def test_the_page_shows_what_was_asked_chosen_and_measured(make: Callable[..., Design]) -> None:
    html = render_design(make(Requirements(latency_ms=40)), {"licence": "CC0-1.0", "seed": 0})
    page = Page(html)
    assert page.open == []
    for words in (
        "The best network for 40 ms, ×2, on 36x64 with onnxruntime 1.0, 2 threads",
        "30.0 ms measured the limit is 40 ms",
        "33.00 dB PSNR on Kodak24",
        "37.00 dB PSNR on Set5 bicubic 33.65 dB",
        "↓ bicubic interpolation, 33.65 dB",
        "limit 40 ms",
        "ETDS-<T>",
        "Left out, since they take far longer than the limit or there was no time: ESPCN.",
        "expected after a few turns 28.0 ms",
        "(1, 3, 72, 128)",
        "CC0-1.0",
    ):
        assert words in page.text
    assert not page.fetched
    assert "://" not in html
    assert "url(" not in html


def test_what_milliseconds_buy(make: Callable[..., Design]) -> None:
    text = Page(render_design(make(Requirements(latency_ms=40)), {})).text
    assert "10 ms tiny 10.0 32.00 36.00 none" in text
    assert "20 ms tiny 10.0 32.00 36.00 none" in text
    assert "40 ms small 30.0 33.00 37.00 ETDS-<T> 31.0 36.50" in text
    assert "100 ms large ~90.0 34.00 38.00 ETDS-<T> 31.0 36.50" in text


def test_without_a_limit_of_time_or_hand_made_networks(make: Callable[..., Design]) -> None:
    page = Page(render_design(make(Requirements(psnr=32.5), peers=False), {}))
    assert "The fastest network for at least 32.5 dB" in page.text
    assert "hand-made" not in page.text
    assert design_chart(make(Requirements(psnr=32.5))).limit is None


def test_the_chart_places_everything_inside_and_names_apart(make: Callable[..., Design]) -> None:
    chart = design_chart(make(Requirements(latency_ms=40)))
    assert chart.dataset == "Set5"
    marks = sorted(point.mark for point in chart.points)
    assert marks == ["chosen", "derive", "front", "front predicted", "peer"]
    assert all(0 <= place <= 1 for point in chart.points for place in (point.left, point.bottom))
    assert chart.limit is not None
    assert chart.limit[0] == pytest.approx(chart.x.place(40))
    assert len({(point.left, point.bottom, point.side) for point in chart.points}) == len(chart.points)
