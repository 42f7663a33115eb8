"""The results page, from cards as ``hnas zoo export`` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hnas.cli.main import main
from hnas.deploy.export.card import read_cards
from hnas.errors import HnasError
from hnas.report.results import write_results
from hnas.zoo.comparison import systems


def card(name: str, scale: int, macs: float, psnr: float, architecture: str = "hnas") -> dict[str, Any]:
    figures = {"psnr": psnr, "ssim": 0.95, "psnr_x8": psnr + 0.08, "ssim_x8": 0.951}
    return {
        "format": "hnas-model-card/2",
        "name": name,
        "scale": scale,
        "description": {"architecture": architecture},
        "provenance": {"data": [{"folder": "photographs", "pictures": 25}], "steps": 100, "seed": 3, "device": "a CPU"},
        "command": f"hnas train {name}.json",
        "lr_size": [480, 480],
        "macs": macs,
        "params": 81_200,
        "latency_ms": 812.4,
        "latency_device": "a CPU",
        "results": {"Set14": figures, "Set5": figures},
        "sha256": "0123456789abcdef",
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for one in (
        card("fast-x2", 2, 9.6e9, 37.1),
        card("carn-m-x2", 2, 91.2e9, 37.4, "carn-m"),
        card("fast-x4", 4, 4.1e9, 31.1),
    ):
        (folder / f"{one['name']}.json").write_text(json.dumps(one))
    return folder


def test_page_has_tables_by_scale_and_a_figure_for_each(folder, tmp_path, monkeypatch):
    carn = [system for system in systems(()) if system.name == "CARN-M"]
    monkeypatch.setattr("hnas.zoo.comparison.systems", lambda random_seeds: carn)
    page = tmp_path / "results.md"
    assert main(["zoo", "page", str(folder), "-o", str(page)]) == 0
    text = page.read_text()
    assert text.index("## ×2") < text.index("## ×4")
    assert "| fast-x2 | 9.6 G | 81.2 K | 812 ms | 37.10 / 0.9500 (37.18) | 37.10 / 0.9500 (37.18) |" in text
    assert text.index("Set5 PSNR / SSIM (PSNR ×8)") < text.index("Set14 PSNR / SSIM (PSNR ×8)")
    assert text.index("| fast-x2") < text.index("| carn-m-x2"), "the cheapest comes first"
    assert "| fast-x4 | photographs (25) | 100 | 3 | a CPU | `0123456789ab` |" in text
    for scale in (2, 4):
        assert f"(results-x{scale}.png)" in text
        with Image.open(tmp_path / f"results-x{scale}.png") as figure:
            assert figure.width > 1000


def test_a_set_that_was_not_measured_gives_no_figure(folder, tmp_path):
    text = write_results(read_cards([folder]), tmp_path / "page.md", dataset="B100").read_text()
    assert "![" not in text
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no readable JSON"),
        ("{}", "no card of the format"),
        ('{"format": "hnas-model-card/2", "name": "a"}', "the card lacks latency_device, latency_ms, macs"),
        (None, "no cards"),
    ],
)
def test_what_is_no_card_is_named(tmp_path, content, message):
    folder = tmp_path / "models"
    folder.mkdir()
    if content is not None:
        (folder / "bad.json").write_text(content)
    with pytest.raises(HnasError, match=message):
        read_cards([folder])
