"""Repositories on the Hub: what is in them, and that they load. No test talks to the Hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from hnas.cli.main import main
from hnas.deploy.enlarge.models import load
from hnas.deploy.export.card import CARD_FORMAT
from hnas.errors import HnasError
from hnas.weights import load_model, read_weights
from tests.deploy.example import bicubic_weights

pytest.importorskip("huggingface_hub", reason="needs the extra hub")

from hnas.deploy.share import hub


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = bicubic_weights(tmp_path)
    card = {
        "format": CARD_FORMAT,
        "results": {"Set5": {"psnr": 33.97, "ssim": 0.9321, "psnr_x8": 33.99, "ssim_x8": 0.9322}},
        "lr_size": [480, 480],
        "latency_ms": 12.3,
        "latency_device": "a processor",
        "command": "hnas train HNAS-A",
    }
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def test_folder_for_the_hub(weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    assert main(["export", str(weights), "--format", "hub", "-o", str(folder)]) == 0
    assert {path.name for path in folder.iterdir()} == {"README.md", "config.json", "model.safetensors"}
    assert json.loads((folder / "config.json").read_text())["scale"] == 2
    assert (folder / "model.safetensors").read_bytes() == weights.read_bytes()
    page = (folder / "README.md").read_text()
    assert "| Set5 | 33.97 | 0.9321 | 33.99 | 0.9322 |" in page
    assert "hnas train HNAS-A" in page


def test_the_header_of_the_page_is_what_the_hub_reads(weights: Path) -> None:
    from huggingface_hub import ModelCard

    from hnas.deploy.share.model_page import model_page

    data = ModelCard(model_page(weights, name="bicubic")).data
    assert data.library_name == "hnas-sr"
    assert [(result.dataset_name, result.metric_type, result.metric_value) for result in data.eval_results] == [
        ("Set5", "psnr", 33.97),
        ("Set5", "ssim", 0.9321),
    ]


def test_a_page_without_measurements_says_so(tmp_path: Path) -> None:
    from hnas.deploy.share.model_page import model_page

    assert "Nothing yet" in model_page(bicubic_weights(tmp_path), name="bicubic")


def test_from_pretrained_folder(weights: Path, tmp_path: Path) -> None:
    hub.write_hub_folder(weights, tmp_path / "repository", name="bicubic")
    model = hub.HubModel.from_pretrained(tmp_path / "repository")
    x = torch.rand(1, 3, 5, 6)
    with torch.inference_mode():
        torch.testing.assert_close(model(x), load_model(weights)(x))
    assert model.scale == 2


def test_load_by_the_id_of_a_repository(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def download(repository: str, file: str, **_: object) -> str:
        asked.append((repository, file))
        return str(weights)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    assert load("somebody/bicubic").scale == 2
    assert asked == [("somebody/bicubic", "model.safetensors")]


def test_a_repository_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import LocalEntryNotFoundError

    def offline(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(hub, "hf_hub_download", offline)
    with pytest.raises(HnasError, match=r"somebody/none: cannot be had from the Hub \(no connection\)"):
        load("somebody/none")


def test_a_name_in_a_folder_that_is_there_is_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> str:
        raise AssertionError("a missing file is no reason to ask another machine")

    monkeypatch.setattr(hub, "hf_hub_download", asked)
    monkeypatch.chdir(tmp_path)
    Path("designs").mkdir()
    with pytest.raises(HnasError, match="designs/none: no such weights file"):
        load("designs/none")


def test_a_folder_of_other_things_is_left_alone(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "a.jpg").write_bytes(b"mine")
    with pytest.raises(HnasError, match=r"holiday: holds a\.jpg, which no repository of ours has; name another"):
        hub.write_hub_folder(weights, tmp_path / "holiday", name="bicubic")
    assert [path.name for path in (tmp_path / "holiday").iterdir()] == ["a.jpg"]


def test_push(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded: dict[str, object] = {}

    class Api:
        def __init__(self, **_: object) -> None: ...

        def create_repo(self, repo_id: str, **_: object) -> object:
            return type("Repository", (), {"repo_id": repo_id})()

        def upload_folder(self, *, repo_id: str, folder_path: Path, **_: object) -> None:
            uploaded[repo_id] = {path.name for path in Path(folder_path).iterdir()}

    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Api)
    folder = str(tmp_path / "repository")
    assert main(["export", str(weights), "--format", "hub", "-o", folder, "--push", "somebody/bicubic"]) == 0
    assert uploaded == {"somebody/bicubic": {"README.md", "config.json", "model.safetensors"}}


def test_weights_of_a_repository_say_what_they_are(weights: Path) -> None:
    assert read_weights(weights).provenance == {"licence": "CC0-1.0"}
