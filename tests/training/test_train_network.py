"""Training from a genotype or a peer to a weights file, the run folder's rules, and plans of several models."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from hnas.cli.main import main
from hnas.errors import HnasError
from hnas.nets import NetworkOptions, network_cost
from hnas.space.cells import NAMED_GENOTYPES, Cell, CellGenotype, Edge
from hnas.training.run_folder import open_run
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.training.train_network import TrainingJob, train_network
from hnas.weights import load_model, read_weights
from hnas.workers import Engine, open_workers
from hnas.zoo.model_card import export_zoo, reproducing_command
from hnas.zoo.plans import read_plan, train_zoo, zoo_status


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small pictures of noise on a slope."""
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    slope = np.linspace(0, 200, 32)[:, None, None]
    for name in ("a", "b"):
        noise = draw.integers(56, size=(32, 32, 3))
        Image.fromarray((slope + noise).astype(np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def job(pictures: Path) -> TrainingJob:
    return TrainingJob(
        model="espcn",
        data=(pictures,),
        settings=TrainingSettings(steps=6, batch=2, patch=8, log_every=2, checkpoint_every=2),
        device=DeviceSettings(accelerator="cpu"),
    )


def test_a_genotype_is_trained_and_its_file_says_how(pictures: Path, tmp_path: Path, job: TrainingJob) -> None:
    job = replace(job, model="HNAS-A", val=pictures, licence="CC0", network=NetworkOptions(channels=4, cell_skip=0.3))
    result = train_network(job, tmp_path / "run")
    weights = tmp_path / "run" / "weights.safetensors"
    model = load_model(weights)
    assert model(torch.rand(1, 3, 5, 7)).shape == (1, 3, 10, 14)
    provenance = read_weights(weights).provenance
    assert provenance["data"][0]["folder"] == pictures.name
    assert provenance["data"][0]["pictures"] == 2
    assert (provenance["licence"], provenance["steps"], provenance["seed"]) == ("CC0", 6, 0)
    assert provenance["val_psnr"] == result.psnr
    assert str(pictures.parent) not in json.dumps(provenance)
    assert json.loads((tmp_path / "run" / "genotype.json").read_text())["position"] == 10
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["channels"] == 4


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path, job: TrainingJob) -> None:
    def tensors(name: str, seed: int) -> dict[str, torch.Tensor]:
        train_network(replace(job, settings=replace(job.settings, seed=seed)), tmp_path / name)
        return read_weights(tmp_path / name / "weights.safetensors").tensors

    first, again, other = tensors("a", 1), tensors("b", 1), tensors("c", 2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first if name.endswith("weight"))


def test_training_fits_the_pictures(tmp_path: Path, job: TrainingJob) -> None:
    settings = replace(job.settings, steps=150, lr=5e-3, log_every=10)
    train_network(replace(job, settings=settings), tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["phase"] == "train"]
    assert losses[-1] < losses[0] / 3


def test_a_precision_left_to_the_machine_is_chosen_once(
    tmp_path: Path, job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped and resumed, it ends with the bits of an uninterrupted training, whatever would be measured now."""
    gains = [1.5]
    monkeypatch.setattr("hnas.training.precision.knows_bf16", lambda _: True)
    monkeypatch.setattr("hnas.training.precision.measured_gain", lambda *_: gains.pop(0))

    def tensors(name: str) -> dict[str, torch.Tensor]:
        return read_weights(tmp_path / name / "weights.safetensors").tensors

    for name, precision in (("full", "32-true"), ("mixed", "bf16-mixed")):
        train_network(replace(job, device=replace(job.device, precision=precision)), tmp_path / name)
    job = replace(job, device=replace(job.device, precision="auto"))

    def stop(step: int, _: object) -> None:
        if step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_network(job, tmp_path / "auto", progress=stop)
    train_network(job, tmp_path / "auto", resume=True)
    assert all(torch.equal(value, tensors("mixed")[name]) for name, value in tensors("auto").items())
    assert not all(torch.equal(value, tensors("full")[name]) for name, value in tensors("auto").items())
    assert read_weights(tmp_path / "auto" / "weights.safetensors").provenance["precision"] == "bf16-mixed"


def test_a_training_that_time_ended_goes_on_by_the_command_line(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "espcn", "--data", str(pictures), "--patch", "8", "--batch", "2", "--steps", "6"]
    command += ["--accelerator", "cpu", "--run-dir", str(tmp_path / "run")]
    assert main([*command, "--max-minutes", "1e-9"]) == 0
    assert "espcn: stopped after step 1 of 6, loss 0." in capsys.readouterr().out
    assert not (tmp_path / "run" / "weights.safetensors").exists()
    assert main([*command, "--max-minutes", "1e-9", "--resume", "--json"]) == 0
    stopped = json.loads(capsys.readouterr().out)
    assert (stopped["weights"], stopped["step"], stopped["finished"]) == (None, 2, False)
    assert main([*command, "--resume", "--graph", "off"]) == 0
    assert not {"max_minutes", "graph"} & read_weights(tmp_path / "run" / "weights.safetensors").provenance.keys()
    settings, cpu = TrainingSettings(steps=6, batch=2, patch=8), DeviceSettings(accelerator="cpu")
    train_network(TrainingJob(model="espcn", data=(pictures,), settings=settings, device=cpu), tmp_path / "whole")
    whole, pieces = (read_weights(tmp_path / name / "weights.safetensors").tensors for name in ("whole", "run"))
    assert all(torch.equal(value, pieces[name]) for name, value in whole.items())


def test_a_warm_start_takes_what_fits(tmp_path: Path, job: TrainingJob) -> None:
    train_network(job, tmp_path / "x2")
    weights = tmp_path / "x2" / "weights.safetensors"
    frozen = replace(job.settings, steps=1, lr=1e-12, lr_end=0)
    x4 = replace(job, warm_start=weights, network=NetworkOptions(scale=4), settings=replace(frozen, patch=4))
    train_network(x4, tmp_path / "x4")
    before, after = (read_weights(tmp_path / name / "weights.safetensors").tensors for name in ("x2", "x4"))
    same = [name for name in before if before[name].shape == after[name].shape]
    assert 0 < len(same) < len(before)
    assert all(torch.allclose(before[name], after[name]) for name in same)
    start = json.loads((tmp_path / "x4" / "log.jsonl").read_text().splitlines()[0])
    assert (start["tensors_taken"], start["tensors"]) == (len(same), len(before))
    with pytest.raises(HnasError, match=r"none of its \d+ tensors fits"):
        train_network(replace(x4, model="HNAS-A", network=NetworkOptions(channels=2)), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_genotype_with_an_input_that_no_edge_takes_is_trained_by_two_processes(
    tmp_path: Path, pictures: Path
) -> None:
    """Both upsampling edges come from -1: a squeeze of -2 would never get a gradient."""
    genotype = CellGenotype(
        3,
        3,
        Cell("normal", ((Edge("dil_conv_3x3", -2), Edge("sep_conv_3x3", -1)),)),
        Cell("upsampling", ((Edge("deconvolution", -1), Edge("bilinear", -1)),)),
    )
    (tmp_path / "gen.json").write_text(genotype.to_json())
    command = [sys.executable, "-m", "hnas", "train", str(tmp_path / "gen.json"), "--data", str(pictures)]
    command += ["--channels", "4", "--steps", "2", "--batch", "1", "--patch", "8", "--accelerator", "cpu"]
    command += ["--run-dir", str(tmp_path / "run"), "--devices", "2"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    model = load_model(tmp_path / "run" / "weights.safetensors")
    assert (
        sum(tensor.numel() for tensor in model.state_dict().values()) == network_cost(genotype, model.settings).params
    )


def test_a_run_killed_between_result_and_report_is_finished(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "espcn", "--data", str(pictures), "--patch", "8", "--batch", "2", "--steps", "6", "--json"]
    command += ["--accelerator", "cpu", "--run-dir", str(tmp_path / "run")]
    assert main(command) == 0
    first = json.loads(capsys.readouterr().out)
    weights = (tmp_path / "run" / "weights.safetensors").read_bytes()
    (tmp_path / "run" / "report.html").unlink()
    (tmp_path / "run" / ".report.html.1.tmp").write_text("half")
    (tmp_path / "run" / "checkpoint" / "state.pt").write_bytes(b"spoilt")
    assert main([*command, "--resume", "--batch", "1"]) == 2  # other settings
    assert not (tmp_path / "run" / "report.html").exists()
    capsys.readouterr()
    assert main([*command, "--resume"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
    assert again["seconds"] == pytest.approx(first["seconds"], abs=1)
    assert (tmp_path / "run" / "report.html").exists()
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == weights
    assert not list((tmp_path / "run").rglob("*.tmp"))
    assert main([*command, "--resume"]) == 2
    assert "this run is finished" in capsys.readouterr().err


def test_a_run_goes_on_with_the_same_pictures_only(tmp_path: Path, pictures: Path, job: TrainingJob) -> None:
    folder = shutil.copytree(pictures, tmp_path / "pictures")
    job = replace(job, data=(folder,))
    stopped = replace(job, settings=replace(job.settings, max_minutes=1e-9))
    train_network(stopped, tmp_path / "run")
    whole = folder / "b.png"
    content = whole.read_bytes()

    def refused(match: str) -> None:
        with pytest.raises(HnasError, match=match):
            train_network(job, tmp_path / "run", resume=True)

    shutil.copy(folder / "a.png", folder / "c.png")
    refused(r"the training has picture 'c' of 32x32 pixels \(1 that were not there")
    (folder / "c.png").unlink()
    whole.unlink()
    refused(r"the training has no picture 'b' of 32x32 pixels \(1 that were there")
    Image.new("RGB", (32, 30)).save(whole)
    refused("the training has no picture 'b' of 32x32")
    whole.write_bytes(content)
    train_network(job, tmp_path / "run", resume=True)


def test_a_run_is_neither_overwritten_nor_resumed_with_other_settings(tmp_path: Path, job: TrainingJob) -> None:
    run = tmp_path / "run"
    train_network(job, run)
    with pytest.raises(HnasError, match=r"run: holds a finished run; .*--overwrite"):
        train_network(job, run)
    with pytest.raises(HnasError, match=r"this run is finished"):
        train_network(job, run, resume=True)
    train_network(job, run, overwrite=True)
    (run / "weights.safetensors").unlink()
    with pytest.raises(HnasError, match=r"an unfinished run \(go on with --resume\)"):
        train_network(job, run)
    other = replace(job, settings=replace(job.settings, batch=4))
    with pytest.raises(HnasError, match=r"was started with batch 2, now it is 4"):
        train_network(other, run, resume=True)
    train_network(replace(job, device=DeviceSettings(accelerator="auto")), run, resume=True)
    assert (run / "weights.safetensors").exists()


def test_a_genotype_that_changed_under_its_name_is_noticed(tmp_path: Path, job: TrainingJob) -> None:
    file, run = tmp_path / "mine.json", tmp_path / "run"
    file.write_text(NAMED_GENOTYPES["HNAS-A"].to_json())
    job = replace(job, model=str(file), network=NetworkOptions(channels=2))
    train_network(job, run)
    assert train_zoo({"run": job}, tmp_path)[0].status == "finished"
    file.write_text(replace(NAMED_GENOTYPES["HNAS-A"], position=9).to_json())
    assert "started with another genotype" in str(train_zoo({"run": job}, tmp_path)[0].error)
    (run / "weights.safetensors").unlink()
    with pytest.raises(HnasError, match="started with another genotype"):
        train_network(job, run, resume=True)
    assert json.loads((run / "genotype.json").read_text())["position"] == 10


def test_another_width_of_the_same_network_is_noticed(tmp_path: Path, job: TrainingJob) -> None:
    run = tmp_path / "run"
    job = replace(job, model="plain", network=NetworkOptions(channels=4, depth=1))
    train_network(job, run)
    assert yaml.safe_load((run / "config.yaml").read_text())["depth"] == 1
    (run / "weights.safetensors").unlink()
    with pytest.raises(HnasError, match=r"run: this run was started with --channels 4, not 6"):
        train_network(replace(job, network=NetworkOptions(channels=6, depth=1)), run, resume=True)
    # What a run's file says of settings that its network does not have is no difference.
    with (run / "config.yaml").open("a") as config:
        config.write("cell_skip: 0.0\n")
    train_network(job, run, resume=True)


def test_overwrite_takes_away_a_run_and_nothing_else(tmp_path: Path, job: TrainingJob) -> None:
    run = tmp_path / "run"
    train_network(job, run)
    (run / "mine.txt").write_text("keep")
    train_network(job, run, overwrite=True)
    assert (run / "mine.txt").read_text() == "keep"
    with pytest.raises(HnasError, match="is not a run folder"):
        train_network(job, job.data[0], overwrite=True)
    assert len(list(job.data[0].iterdir())) == 2


def test_two_processes_cannot_work_on_one_run(tmp_path: Path, job: TrainingJob) -> None:
    run = tmp_path / "run"
    held = open_run(run, job.config(), result="weights.safetensors")
    arguments = ["train", "espcn", "--data", str(job.data[0]), "--run-dir", str(run)]
    arguments += ["--patch", "8", "--steps", "1", "--overwrite"]
    other = subprocess.run([sys.executable, "-m", "hnas", *arguments], capture_output=True, text=True, timeout=120)
    assert (other.returncode, other.stdout) == (2, "")
    assert "another process is at work on this run" in other.stderr
    assert list(held.path.iterdir())  # nothing was taken away


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "no-such-file.json"}, "no-such-file.json"),
        ({"data": (Path("no-such-folder"),)}, "no-such-folder"),
        ({"network": NetworkOptions(channels=16)}, "espcn has no --channels; it takes --scale,"),
        ({"settings": TrainingSettings(patch=48)}, r"16x16 LR pixels are smaller than a patch of 48x48"),
        ({"device": DeviceSettings(accelerator="cpu", devices=0)}, "devices is 0"),
        ({"warm_start": Path("no-such.safetensors")}, r"no-such\.safetensors"),
    ],
)
def test_a_mistake_is_named_and_leaves_nothing(
    tmp_path: Path, job: TrainingJob, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(HnasError, match=message):
        train_network(replace(job, **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_command_trains_and_prints_json(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "espcn", "--steps=2", "--batch=1", "--patch=8", "--accelerator=cpu", "--json", "--seed=3"]
    assert main([*arguments, "--data", str(pictures), "--val", str(pictures), "--run-dir", str(tmp_path / "run")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert Path(result["weights"]).exists()
    assert result["step"] == 2
    again = ["train", "--config", str(tmp_path / "run" / "config.yaml"), "--run-dir", str(tmp_path / "again"), "--json"]
    assert main(again) == 0  # a run's config.yaml repeats it
    repeated = json.loads(capsys.readouterr().out)
    assert (repeated["loss"], repeated["psnr"]) == (result["loss"], result["psnr"])


def test_a_preset_gives_a_network_what_it_has(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The section has a width and a path around cells, for networks of cells; a flag is for the network at hand."""
    common = ["--config", "demo", "--steps=1", "--batch=1", "--patch=8", "--accelerator=cpu", "--precision=32-true"]
    common += ["--data", str(pictures), "--json"]
    said = {
        "espcn": ([], {"scale": 2}),
        "plain": (["--depth", "2", "--scale", "3"], {"scale": 3, "channels": 16, "depth": 2}),
        "HNAS-A": (["--channels", "2"], {"scale": 2, "channels": 2, "cell_skip": 0.3}),
    }
    for model, (flags, expected) in said.items():
        run = tmp_path / model
        assert main(["train", model, *flags, *common, "--run-dir", str(run)]) == 0, capsys.readouterr().err
        description = read_weights(run / "weights.safetensors").description
        assert {name: description[name] for name in expected} == expected
        assert expected.keys() <= yaml.safe_load((run / "config.yaml").read_text()).keys()
    for model, flag in (("espcn", "--channels"), ("HNAS-A", "--depth")):
        capsys.readouterr()
        assert main(["train", model, flag, "16", *common, "--run-dir", str(tmp_path / "no")]) == 2
        assert f"has no {flag}; it takes --" in capsys.readouterr().err
        assert not (tmp_path / "no").exists()


def test_a_width_of_a_plain_network_is_trained(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "plain", "--channels=16", "--depth=3", "--steps=1", "--batch=1", "--patch=8", "--json"]
    assert main([*arguments, "--data", str(pictures), "--run-dir", str(tmp_path / "run")]) == 0
    json.loads(capsys.readouterr().out)
    tensors = read_weights(tmp_path / "run" / "weights.safetensors").tensors
    shapes = {name: value.shape for name, value in tensors.items()}
    assert shapes["layers.0.weight"] == (16, 3, 3, 3)
    assert sum(len(shape) == 4 for shape in shapes.values()) == 3 + 2


def test_two_processes_print_one_result(pictures: Path, tmp_path: Path) -> None:
    arguments = ["train", "espcn", "--steps=2", "--batch=1", "--patch=8", "--accelerator=cpu", "--devices=2", "--json"]
    arguments += ["--data", str(pictures), "--run-dir", str(tmp_path / "run")]
    done = subprocess.run([sys.executable, "-m", "hnas", *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["step"] == 2
    again = subprocess.run([sys.executable, "-m", "hnas", *arguments], capture_output=True, text=True, timeout=300)
    assert again.returncode == 2
    assert "{" not in again.stdout
    assert again.stderr.count("holds a finished run") == 1
    assert "Traceback" not in again.stderr


def _plan(folder: Path, pictures: Path, models: dict[str, Any]) -> Path:
    common = {"data": str(pictures), "steps": 4, "batch": 1, "patch": 4, "checkpoint_every": 2, "accelerator": "cpu"}
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump({**common, "models": models}, sort_keys=False))
    return path


def test_a_plan_trains_in_order_passes_over_what_is_done_and_goes_on_after_a_failure(
    pictures: Path, tmp_path: Path
) -> None:
    models = {
        "x2": {"model": "espcn", "val": str(pictures)},
        "wild": {"model": "plain", "lr": 1e30},
        "x4": {"model": "espcn", "scale": 4, "warm_start": "x2"},
    }
    runs = tmp_path / "runs"
    jobs = read_plan(_plan(tmp_path, pictures, models), runs=runs)
    assert [zoo_status(name, job, runs / name).status for name, job in jobs.items()] == ["waiting"] * 3
    done = train_zoo(jobs, runs)
    assert [(status.name, status.status) for status in done] == [
        ("x2", "finished"),
        ("wild", "failed"),
        ("x4", "finished"),
    ]
    assert "step 2" in str(done[1].error)
    before = (runs / "x2" / "weights.safetensors").stat().st_mtime_ns
    assert [status.status for status in train_zoo(jobs, runs)] == ["finished", "failed", "finished"]
    assert (runs / "x2" / "weights.safetensors").stat().st_mtime_ns == before
    changed = {"x2": replace(jobs["x2"], settings=replace(jobs["x2"].settings, steps=5))}
    assert "steps 4, now it is 5" in str(train_zoo(changed, runs)[0].error)

    cards = export_zoo(jobs, runs, tmp_path / "out", benchmarks=pictures)
    assert [card["name"] for card in cards] == ["x2", "x4"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "x2.json", "x2.onnx", "x2.safetensors", "x4.json", "x4.onnx", "x4.safetensors"
    ]  # fmt: skip
    card = json.loads((tmp_path / "out" / "x2.json").read_text())
    assert "compressed" not in card  # it never saw a JPEG
    # The exported weights are rounded to half precision, which moves PSNR by about a thousandth of a dB.
    assert card["results"][pictures.name]["psnr"] == pytest.approx(card["provenance"]["val_psnr"], abs=0.02)
    assert card["params"] == sum(
        tensor.numel() for tensor in load_model(tmp_path / "out" / "x2.safetensors").parameters()
    )


def test_models_of_a_plan_are_trained_at_once_and_what_needs_another_waits(pictures: Path, tmp_path: Path) -> None:
    models = {
        "x4": {"model": "espcn", "scale": 4},
        "wild": {"model": "plain", "lr": 1e30},
        "x2": {"model": "espcn", "warm_start": "x4"},
    }
    runs = tmp_path / "runs"
    jobs = read_plan(_plan(tmp_path, pictures, models), runs=runs)
    told = []
    with open_workers(Engine(processes=2)) as workers:
        done = train_zoo(jobs, runs, workers=workers, report=lambda status: told.append(status.name))
        assert [(status.name, status.status) for status in done] == [
            ("x4", "finished"),
            ("wild", "failed"),
            ("x2", "finished"),
        ]
        assert told.index("x4") < told.index("x2")
        assert "step 2" in str(done[1].error)
    start = json.loads((runs / "x2" / "log.jsonl").read_text().splitlines()[0])
    assert start["tensors_taken"] > 0


def test_several_models_of_a_plan_are_named_at_once(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = _plan(tmp_path, pictures, {name: {"model": "espcn"} for name in ("a", "b", "c")})
    arguments = ["--runs", str(tmp_path / "runs"), "--only", "a", "b"]
    assert main(["zoo", "train", str(plan), *arguments, "--json"]) == 0
    assert [(one["name"], one["status"]) for one in json.loads(capsys.readouterr().out)] == [
        ("a", "finished"),
        ("b", "finished"),
    ]
    assert main(["zoo", "train", str(plan), *arguments, "d"]) == 2
    assert "has no model d; it has a, b, c" in capsys.readouterr().err


def test_the_command_on_a_card_is_the_job(pictures: Path, tmp_path: Path) -> None:
    models = {"a-b": {"model": "HNAS-A", "channels": 16, "licence": "CC BY-SA 4.0", "ema": 0.999}}
    job = read_plan(_plan(tmp_path, pictures, models), runs=tmp_path)["a-b"]
    assert reproducing_command("a-b", job) == (
        f"hnas train HNAS-A --data {pictures} --licence 'CC BY-SA 4.0' --channels 16 --steps 4 --batch 1 --patch 4"
        " --ema 0.999 --checkpoint-every 2 --accelerator cpu --run-dir runs/a-b"
    )


def test_the_command_on_a_card_gives_lists_value_by_value(pictures: Path, tmp_path: Path) -> None:
    models = {"a": {"model": "HNAS-A", "shrunk": [0.7, 0.5]}}
    job = read_plan(_plan(tmp_path, pictures, models), runs=tmp_path)["a"]
    assert " --shrunk 0.7 --shrunk 0.5 " in reproducing_command("a", job)


def test_what_all_models_of_a_plan_have_in_common_counts_where_a_model_has_it(pictures: Path, tmp_path: Path) -> None:
    plan = _plan(tmp_path, pictures, {"a": {"model": "espcn"}, "b": {"model": "HNAS-A", "cell_skip": 0.5}})
    plan.write_text("channels: 8\ncell_skip: 0.3\nscale: 3\n" + plan.read_text())
    a, b = read_plan(plan, runs=tmp_path).values()
    assert a.network == NetworkOptions(scale=3)
    assert b.network == NetworkOptions(scale=3, channels=8, cell_skip=0.5)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({}, "mapping 'models'"),
        ({"a": {}}, "model a: lacks model"),
        ({"a": {"model": "espcn", "stpes": 3}}, "model a: unknown setting stpes; allowed are .*steps"),
        ({"a": {"model": "espcn", "steps": "many"}}, "model a: steps is 'many'; a whole number is needed"),
        ({"a": {"model": "espcn", "steps": 0}}, "model a: steps is 0"),
        ({"../a": {"model": "espcn"}}, "it names a folder"),
        ({"a": {"model": "HNAS-Z"}}, "model a: HNAS-Z"),
        ({"a": {"model": "espcn", "data": "no-such-folder"}}, "no-such-folder does not exist"),
        ({"a": {"model": "espcn", "devices": 2}}, "devices is 2"),
        ({"a": None}, "a mapping of settings"),
        ({"a": {"model": "espcn", "channels": 8}}, "model a: espcn has no --channels"),
    ],
)
def test_a_wrong_plan_is_refused_before_anything_is_trained(
    pictures: Path, tmp_path: Path, models: dict[str, Any], message: str
) -> None:
    with pytest.raises(HnasError, match=message):
        read_plan(_plan(tmp_path, pictures, models), runs=tmp_path)
