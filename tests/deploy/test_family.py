"""Which networks a family has, by their cards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hnas.deploy.design.family import read_family
from hnas.errors import HnasError
from tests.deploy.made_family import write_family


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    folder = tmp_path_factory.mktemp("family")
    write_family(folder, {(4, 3): 33.0, (4, 1): 32.0})
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "family"))


def _change(folder: Path, **changes: object) -> None:
    path = folder / "chain-4x3.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def test_cards_are_read_smallest_first(folder: Path) -> None:
    small, large = read_family(2, folder)
    assert (small.name, small.shape, small.psnr, small.validation) == ("chain-4x1", "4 x 1", 32.0, "Kodak24")
    assert (large.name, large.results) == ("chain-4x3", {"Set5": 37.0})
    # A 3x3 stem of one channel, three blocks, a tail to four values, and their biases.
    assert large.params == 4 * 10 + 3 * 4 * 37 + 4 * 37
    assert large.graph.is_file()
    assert large.card.is_file()


def test_networks_of_another_structure_or_without_a_graph_are_passed_over(folder: Path) -> None:
    (folder / "chain-4x1.onnx").unlink()
    assert [one.name for one in read_family(2, folder)] == ["chain-4x3"]
    _change(folder, description={"architecture": "carn"})
    with pytest.raises(HnasError, match="no networks for x2 to choose from"):
        read_family(2, folder)


def test_networks_for_degraded_pictures_are_passed_over(folder: Path) -> None:
    _change(folder, provenance={"val": {"folder": "Kodak24"}, "val_psnr": 34.0, "degradation": "jpeg:30-95"})
    assert [one.name for one in read_family(2, folder)] == ["chain-4x1"]


def test_a_scale_that_is_not_there_names_those_that_are(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(HnasError, match=r"no networks for x3 .*; there are x2"):
        read_family(3, folder)
    with pytest.raises(
        HnasError, match="nowhere: no such folder; name one with networks, as `hnas zoo export` writes them"
    ):
        read_family(2, tmp_path / "nowhere")


def test_networks_that_cannot_be_compared_are_refused(folder: Path) -> None:
    _change(folder, provenance={"val": {"folder": "DIV2K"}, "val_psnr": 34.0})
    with pytest.raises(HnasError, match="validated on DIV2K and Kodak24, which cannot be compared"):
        read_family(2, folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "hnas-model-card/1"}, "no card of the format hnas-model-card/2"),
        ({"provenance": {}}, r"the card is damaged \(KeyError: 'val_psnr'\)"),
        ({"provenance": {"val_psnr": float("inf")}}, "the card is damaged"),
        ({"results": [1]}, "the card is damaged"),
    ],
)
def test_a_damaged_card_is_named(folder: Path, changes: dict[str, object], message: str) -> None:
    _change(folder, **changes)
    with pytest.raises(HnasError, match=rf"chain-4x3\.json: .*{message}"):
        read_family(2, folder)
