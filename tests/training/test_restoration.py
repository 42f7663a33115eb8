"""Networks for degraded pictures, restoring ones (scale 1) among them: trained, measured, exported, run and shipped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from hnas.cli.main import main
from hnas.data.degradations import degraded_copies, read_degradation
from hnas.data.folders import load_pairs
from hnas.data.pictures import read_picture, write_picture
from hnas.errors import HnasError
from hnas.evaluation.benchmark import bicubic_result
from hnas.evaluation.evaluate import evaluate
from hnas.nets import NetworkOptions
from hnas.nets.chain import ChainNetwork, ChainSupernet, chain_cost
from hnas.space.cells import NetworkSettings
from hnas.space.chain import ChainGenotype, ChainSpace
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.training.train_network import TrainingJob, train_network
from hnas.weights import load_model, read_weights
from hnas.zoo.model_card import export_zoo

CHAIN = ChainGenotype(8, ("conv_3x3", "conv_3x3"), "luma", 2)


def _waves(seed: int, side: int = 64) -> np.ndarray[Any, Any]:
    """Smooth coloured waves, on which noise stands out."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    waves = [np.sin(2 * np.pi * (draw.uniform(0, 2) * x + draw.uniform(0, 2) * y)) for _ in range(3)]
    return (127 + 90 * np.dstack(waves)).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures in train and val, the same with noise in noisy, and a chain's genotype."""
    folder = tmp_path_factory.mktemp("restoration")
    draw = np.random.default_rng(7)
    for seed in range(3):
        picture = _waves(seed)
        noisy = np.clip(picture + draw.normal(0, 25, picture.shape), 0, 255).astype(np.uint8)
        write_picture(folder / "train" / f"{seed}.png", picture)
        write_picture(folder / "noisy" / f"{seed}_noisy.png", noisy)
    write_picture(folder / "val" / "v.png", _waves(9))
    (folder / "chain.json").write_text(json.dumps(CHAIN.to_dict()))
    return folder


@pytest.fixture(scope="module")
def job(folder: Path) -> TrainingJob:
    return TrainingJob(
        model=str(folder / "chain.json"),
        data=(folder / "train",),
        network=NetworkOptions(scale=1),
        settings=TrainingSettings(
            steps=200, batch=4, patch=24, lr=5e-3, degradation="noise:25", degraded_copies=8, log_every=50
        ),
        device=DeviceSettings(accelerator="cpu"),
    )


@pytest.fixture(scope="module")
def denoising(folder: Path, job: TrainingJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a network trained on noise for a few seconds."""
    run = tmp_path_factory.mktemp("runs") / "denoise"
    train_network(replace(job, val=folder / "val"), run)
    return run


def test_a_chain_of_scale_1_gives_pictures_of_the_same_size_folded_too() -> None:
    torch.manual_seed(0)
    for genotype in (CHAIN, replace(CHAIN, colour="rgb"), replace(CHAIN, enlargement=1)):
        network = ChainNetwork(genotype, 1).eval()
        x = torch.rand(1, 3, 9, 11)
        assert network(x).shape == x.shape
        assert torch.allclose(network.folded()(x), network(x), atol=1e-5)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        assert chain_cost(genotype, 1).params == parameters
    supernet = ChainSupernet(ChainSpace(widths=(8,), depths=(1, 2)), 1)
    assert [picture.shape for picture in supernet.pictures(x, CHAIN)] == [x.shape, x.shape]


@pytest.mark.parametrize("scale", [0, 5, True, 1.0])
def test_other_scales_are_refused(scale: Any) -> None:
    with pytest.raises(HnasError, match="allowed are 1, 2, 3, 4"):
        ChainNetwork(CHAIN, scale)
    with pytest.raises(HnasError, match="allowed are 2, 3, 4"):
        NetworkSettings(scale=1)


def test_training_removes_noise_that_it_did_not_see(folder: Path, denoising: Path) -> None:
    noisy = degraded_copies(load_pairs(folder / "val", 1), read_degradation("noise:25"), 1, seed=0)
    as_it_is = bicubic_result(noisy, 1)
    # Y of noise of 25 levels on each of red, green and blue, whose weights sum to (235 - 16) / 255.
    weights = np.array([65.481, 128.553, 24.966]) / 255
    expected = 20 * np.log10(255 / (25 * np.sqrt((weights**2).sum())))
    assert as_it_is.psnr == pytest.approx(expected, abs=0.5)
    (restored,) = evaluate(denoising, [folder / "val"], degradation="noise:25").values()
    assert restored.psnr > as_it_is.psnr + 1.5
    provenance = read_weights(denoising).provenance
    assert provenance["degradation"] == "noise:25"
    assert provenance["val"]["degradation"] == "noise:25"
    assert provenance["val_psnr"] == pytest.approx(restored.psnr, abs=1e-3)  # the same seed draws the same noise


def test_a_restoring_network_is_run_like_any_other(folder: Path, denoising: Path, tmp_path: Path) -> None:
    source = tmp_path / "noisy.png"
    pixels = read_picture(folder / "noisy" / "0_noisy.png")
    alpha = np.random.default_rng(0).integers(0, 256, pixels.shape[:2], np.uint8)
    Image.fromarray(np.dstack([pixels, alpha])).save(source)
    assert main(["upscale", str(source), "-m", str(denoising)]) == 0
    result = np.asarray(Image.open(tmp_path / "noisy-x1.png"))
    assert result.shape == (64, 64, 4)
    assert np.array_equal(result[..., 3], alpha)  # which has nothing to be restored
    assert np.abs(result[..., :3].astype(int) - pixels).mean() > 3
    assert main(["upscale", str(source), "-m", str(denoising), "-o", str(tmp_path / "tiles.png"), "-t", "24"]) == 0
    tiled = np.asarray(Image.open(tmp_path / "tiles.png")).astype(int)
    assert np.abs(tiled - result).max() <= 1


def test_a_restoring_network_as_a_graph(denoising: Path, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra onnx")
    from hnas.deploy.enlarge.models import load
    from hnas.deploy.export.shipping import write_halved

    write_halved(denoising / "weights.safetensors", tmp_path / "m.safetensors", tmp_path / "m.onnx")
    picture = read_picture(folder / "noisy" / "1_noisy.png")
    graph, torch_ = load(tmp_path / "m.onnx"), load(tmp_path / "m.safetensors", backend="torch")
    assert graph.scale == 1
    assert np.abs(graph.upscale(picture).astype(int) - torch_.upscale(picture)).max() <= 1


def test_own_pairs_are_trained_on_and_told(
    folder: Path, job: TrainingJob, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", job.model, "--scale", "1", "--steps", "2", "--batch", "1", "--patch", "8"]
    arguments += ["--data", str(folder / "train"), "--lr-data", str(folder / "noisy"), "--accelerator", "cpu"]
    assert main([*arguments, "--run-dir", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err
    assert "hnas: note: 3 pictures of" in said
    assert "by name, such as 0.png with 0_noisy.png" in said
    (data,) = read_weights(tmp_path / "run").provenance["data"]
    assert (data["folder"], data["lr_folder"], data["pictures"]) == ("train", "noisy", 3)
    assert data["lr_sha256"] != data["sha256"]
    assert str(folder) not in json.dumps(read_weights(tmp_path / "run").provenance["data"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": TrainingSettings()}, "at scale 1 a network restores pictures: say what is wrong with them"),
        ({"lr_data": (Path("a"), Path("b"))}, "--lr-data is given 2 times and --data 1 times"),
        ({"val_lr_data": Path("a")}, "--val-lr-data a has the small pictures of --val, which is not given"),
        (
            {"lr_data": (Path("a"),), "settings": TrainingSettings(shrunk=(0.5,))},
            "--shrunk and --enlarged make small pictures by themselves",
        ),
    ],
)
def test_jobs_that_cannot_be(job: TrainingJob, tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(HnasError, match=words):
        train_network(replace(job, **changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_validation_at_scale_1_needs_pictures_to_restore(folder: Path, job: TrainingJob, tmp_path: Path) -> None:
    own = replace(job, lr_data=(folder / "noisy",), settings=TrainingSettings(), val=folder / "val")
    with pytest.raises(HnasError, match="give its small pictures with --val-lr-data"):
        train_network(own, tmp_path / "run")


def test_a_search_among_restoring_chains(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["search", "--space", "chain", "--scale", "1", "--widths", "2", "--widths", "4", "--depths", "1"]
    arguments += ["--strategy", "random", "--rounds", "1", "--w-steps", "1", "--controller-steps", "1", "--samples"]
    arguments += ["2", "--batch", "2", "--patch", "8", "--derive-patch", "16", "--derive-samples", "2"]
    arguments += ["--data", str(folder / "train"), "--val", str(folder / "val"), "--accelerator", "cpu"]
    assert main([*arguments, "--run-dir", str(tmp_path / "no")]) == 2
    assert "scale 1 restores pictures: say what is wrong with them" in capsys.readouterr().err
    assert main([*arguments, "--degradation", "noise:25", "--run-dir", str(tmp_path / "run")]) == 0
    assert load_model(tmp_path / "run").scale == 1  # shared weights of chains are their own


def test_the_card_of_a_network_for_jpegs_has_every_quality_beside_bicubic(
    folder: Path, job: TrainingJob, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    settings = replace(job.settings, steps=2, degradation="jpeg:30-95")
    jobs = {
        "jpeg-x2": replace(job, network=NetworkOptions(scale=2), settings=settings),
        "deblock": replace(job, settings=settings),
    }
    for name, each in jobs.items():
        train_network(each, tmp_path / "runs" / name)
    cards = {card["name"]: card for card in export_zoo(jobs, tmp_path / "runs", tmp_path, benchmarks=folder / "val")}
    figures = cards["jpeg-x2"]["compressed"]["val"]
    assert list(figures) == ["clean", "95", "75", "50", "30"]
    assert figures["clean"]["psnr"] == pytest.approx(cards["jpeg-x2"]["results"]["val"]["psnr"])
    bicubic = [row["bicubic"] for row in figures.values()]
    assert bicubic == sorted(bicubic, reverse=True)
    assert bicubic[0] == pytest.approx(bicubic_result(load_pairs(folder / "val", 2), 2).psnr)
    assert list(cards["deblock"]["compressed"]["val"]) == ["95", "75", "50", "30"]
    json.dumps(cards, allow_nan=False)

    from hnas.deploy.share.model_page import model_page
    from hnas.report.results import write_results

    row = f"{figures['75']['psnr']:.2f} ({figures['75']['bicubic']:.2f})"
    assert row in write_results(list(cards.values()), tmp_path / "page.md", dataset="val").read_text()
    page = model_page(tmp_path / "jpeg-x2.safetensors", name="jpeg-x2")
    assert row in page
    assert "many of them went through jpeg:30-95" in page
    assert "Restores photographs at their own size" in model_page(tmp_path / "deblock.safetensors", name="deblock")
