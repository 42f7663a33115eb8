"""Chains from the command line, as a person types them: search, evaluate, derive, show, train; and their mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hnas.cli.main import main
from hnas.deploy.timing.latency_table import load_latency_table
from hnas.nets.chain import ChainNetwork, chain_cost
from hnas.searching.candidate_cost import CandidateCost
from hnas.searching.derive import keeps
from hnas.searching.reward import Scored, joint_reward
from hnas.searching.runs import rescore
from hnas.space import load_genotype
from hnas.space.chain import ChainGenotype, ChainSpace
from hnas.weights import load_model, read_weights
from tests.timing import Timing, by_macs, without_clock

Capture = pytest.CaptureFixture[str]
SPACE = ChainSpace(widths=(4, 6), depths=(1, 3), blocks=("conv_3x3", "residual_3x3"), after=(0, 1))
OPTIONS = (
    "--space chain --widths 4 6 --depths 1 3 --blocks conv_3x3 residual_3x3 --after 0 1 --rounds 2 --w-steps 2 "
    "--controller-steps 1 --batch 4 --w-genotypes 2 --w-sampling fair --patch 8 --samples 2 --hidden 8 --tau-samples 0 "
    "--derive-samples 6 --derive-patch 12 --lr-size 24x24 --exhaustive 100 --measure 3 --threads 1 --lam 0.9 "
    "--accelerator cpu"
)


def changed(flags: str = "") -> list[str]:
    """The options of the tiny search, some of them given otherwise."""
    given = {part.split()[0]: part.split()[1:] for part in f" {OPTIONS} {flags}".split(" --")[1:]}
    return [word for flag, values in given.items() for word in (f"--{flag}", *values)]


@pytest.fixture(scope="module")
def run(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished search over forty chains."""
    path = tmp_path_factory.mktemp("runs") / "run"
    train, val = map(str, folders)
    assert main(["search", "--data", train, "--val", val, "--run-dir", str(path), *changed()]) == 0
    return path


def macs(genotype: object) -> int:
    assert isinstance(genotype, ChainGenotype)
    return chain_cost(genotype, 2, lr_size=(24, 24)).macs


def test_a_search_hands_over_a_genotype_and_its_weights(run: Path) -> None:
    genotype = load_genotype(run / "genotype.json")
    assert genotype in SPACE
    network = load_model(run)
    assert isinstance(network, ChainNetwork)
    assert network.genotype == genotype
    provenance = read_weights(run).provenance
    assert provenance["space"] == "chain"
    assert provenance["steps"] == 4
    lines = [json.loads(line) for line in (run / "candidates.jsonl").read_text().splitlines()]
    derived = [line for line in lines if line["source"] == "derive"]
    assert len(derived) == len({json.dumps(line["genotype"]) for line in derived}) == SPACE.size
    (best,) = [line for line in derived if line["chosen"]]
    assert best["genotype"] == genotype.to_dict()
    assert rescore(run, genotype) == best["psnr"]
    assert sum(line.get("latency_ms") is not None for line in derived) == 3
    assert (run / "report.html").is_file()


def test_the_weights_are_evaluated_as_they_are(run: Path, folders: tuple[Path, Path], capsys: Capture) -> None:
    assert main(["evaluate", str(run), "bicubic", "--benchmarks", str(folders[1]), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    psnr = {row["model"]: row["psnr"] for row in rows}[str(run)]
    assert abs(psnr - max(row["psnr"] for row in rows if row["model"] != str(run))) < 3


def test_derive_keeps_a_budget_and_hands_over_the_weights_beside_the_genotype(
    run: Path, tmp_path: Path, capsys: Capture
) -> None:
    costs = sorted(macs(genotype) for genotype in SPACE)
    before = (run / "weights.safetensors").read_bytes()
    for part in (0.1, 0.6):
        limit = costs[int(part * len(costs))]
        output = tmp_path / f"{part}.json"
        assert main(["derive", str(run), "--max-macs", str(limit), "-o", str(output), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        genotype = load_genotype(output)
        assert found["genotype"] == genotype.to_dict()
        assert found["macs"] == macs(genotype) <= limit
        assert found["candidates"] == sum(cost <= limit for cost in costs)
        network = load_model(output.with_suffix(".safetensors"))
        assert network.genotype == genotype
    assert (run / "weights.safetensors").read_bytes() == before


def test_handed_over_weights_score_what_the_search_scored(run: Path, folders: tuple[Path, Path]) -> None:
    """The network of the weights file, run on the same crops, has the PSNR in candidates.jsonl."""
    from hnas.data.folders import load_pairs
    from hnas.searching.pictures import middle_crops
    from hnas.searching.scoring import batch_psnr

    lr, hr = middle_crops(load_pairs(folders[1], 2), patch=12)
    with torch.no_grad():
        psnr = batch_psnr(load_model(run)(lr), hr, 2)
    assert psnr == pytest.approx(rescore(run, load_genotype(run / "genotype.json")), abs=1e-3)


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Timing:
    return without_clock(monkeypatch, tmp_path_factory.mktemp("cache"))


def test_derive_by_milliseconds_measures(run: Path, tmp_path: Path, capsys: Capture, timing: Timing) -> None:
    """The search knew no limit of latency: a table is built, what it promises is measured, and both are said."""
    limit = sorted(by_macs(genotype) for genotype in SPACE)[SPACE.size // 2]
    output, arguments = tmp_path / "quick.json", ["derive", str(run), "--max-latency", f"{limit}ms"]
    capsys.readouterr()
    assert main([*arguments, "-o", str(output), "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert "measuring a latency table of 24x24 with torch" in captured.err
    genotype = load_genotype(output)
    assert found["latency_ms"] == pytest.approx(by_macs(genotype))
    assert found["latency_ms"] <= found["limit_ms"] == limit
    assert found["predicted_ms"] == pytest.approx(by_macs(genotype), rel=0.2)
    assert found["latency_measured"] is True
    assert "1 thread, f32" in found["timed_on"]
    assert output.with_suffix(".safetensors").is_file()
    assert main([*arguments, "-o", str(output)]) == 0
    line = capsys.readouterr().out
    assert (
        f"predicted {found['predicted_ms']:.1f} ms, measured {found['latency_ms']:.1f} ms, limit {limit:g} ms" in line
    )


def test_a_finalist_that_misses_its_limit_gives_way_to_the_next(
    run: Path, tmp_path: Path, capsys: Capture, timing: Timing
) -> None:
    output, arguments = tmp_path / "quick.json", ["derive", str(run), "--max-latency", "60ms"]
    assert main([*arguments, "-o", str(output)]) == 0
    first = load_genotype(output)
    timing.slower = {first: 100.0}
    capsys.readouterr()
    assert main([*arguments, "-o", str(output), "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert load_genotype(output) != first
    assert found["missed"] == 1
    assert found["latency_ms"] <= 60
    lines = [json.loads(line) for line in (run / "candidates.jsonl").read_text().splitlines()]
    (missed,) = [line for line in lines if line.get("limit_ms") and line["latency_ms"] > line["limit_ms"]]
    assert missed["genotype"] == first.to_dict()
    assert missed["chosen"] is False


def test_a_limit_that_no_finalist_keeps_is_refused(run: Path, tmp_path: Path, capsys: Capture, timing: Timing) -> None:
    """Predictions are of a quiet machine; everything takes four times as long when it is measured."""
    limit = 1.3 * min(map(by_macs, SPACE))
    arguments = ["derive", str(run), "--max-latency", f"{limit}ms", "-o", str(tmp_path / "none.json")]
    assert main(arguments) == 0
    (tmp_path / "none.json").unlink()
    (tmp_path / "none.safetensors").unlink()
    capsys.readouterr()
    timing.slower = dict.fromkeys(SPACE, 4.0)
    assert main(arguments) == 2
    *said, error = capsys.readouterr().err.strip().splitlines()
    assert f"max_latency is {limit:g} ms, and the quickest of" in error
    assert f"took {4 * min(map(by_macs, SPACE)):.1f} ms (24x24 with torch" in error
    assert "raise max_latency" in error
    assert any(f"misses {limit:g} ms" in line for line in said)
    assert not list(tmp_path.iterdir())
    assert main([*arguments[:3], "0.000001", *arguments[4:]]) == 2
    assert "the cheapest genotype has" in capsys.readouterr().err


def test_a_search_under_a_limit_of_latency_from_nothing(
    folders: tuple[Path, Path], tmp_path: Path, capsys: Capture, timing: Timing
) -> None:
    """No table is given: one is built first, and the result is measured, said, kept in the folder and reported."""
    limit = sorted(by_macs(genotype) for genotype in SPACE)[SPACE.size // 2]
    path = tmp_path / "run"
    search = ["search", "--data", str(folders[0]), "--run-dir", str(path)]
    search += changed(f"--max-latency {limit}ms --measure 0 --backend onnx")
    capsys.readouterr()
    assert main(search) == 0
    captured = capsys.readouterr()
    assert "measuring a latency table of 24x24 with onnxruntime" in captured.err
    assert f"limit {limit:g} ms (24x24 with onnxruntime" in captured.out
    lines = [json.loads(line) for line in (path / "candidates.jsonl").read_text().splitlines()]
    derived = [line for line in lines if line["source"] == "derive"]
    assert len(derived) < SPACE.size
    (best,) = [line for line in derived if line["chosen"]]
    assert best["latency_ms"] <= best["limit_ms"] == limit
    assert f"predicted {best['predicted_ms']:.1f} ms, measured {best['latency_ms']:.1f} ms" in captured.out
    assert load_latency_table(path / "latency.json").machine["backend"] == "onnx"
    report = (path / "report.html").read_text()
    assert "Milliseconds, promised and measured" in report
    assert f"<td>{best['predicted_ms']:.1f}</td><td>{best['latency_ms']:.1f}</td><td>{limit:g}</td>" in report
    assert main([*search, "--overwrite"]) == 0
    assert "measuring" not in capsys.readouterr().err


def test_a_search_whose_finalists_all_miss_can_be_derived_from(
    folders: tuple[Path, Path], tmp_path: Path, capsys: Capture, timing: Timing
) -> None:
    path = tmp_path / "run"
    search = [
        "search",
        "--data",
        str(folders[0]),
        "--run-dir",
        str(path),
        *changed(f"--max-latency {1.3 * min(map(by_macs, SPACE))}"),
    ]
    assert main(search) == 0
    timing.slower = dict.fromkeys(SPACE, 4.0)
    assert main([*search, "--overwrite"]) == 2
    assert not (path / "genotype.json").exists()
    assert "hnas derive does so without another search" in capsys.readouterr().err
    output = tmp_path / "slow.json"
    assert main(["derive", str(path), "--max-latency", "60ms", "-o", str(output)]) == 0
    assert 4 * by_macs(load_genotype(output)) <= 60


def test_a_search_goes_on_with_the_latencies_of_its_machine_alone(
    folders: tuple[Path, Path], tmp_path: Path, capsys: Capture, timing: Timing
) -> None:
    path = tmp_path / "run"
    search = ["search", "--data", str(folders[0]), "--run-dir", str(path), *changed("--cost latency")]
    assert main(search) == 0
    (path / "genotype.json").unlink()
    before = (path / "latency.json").read_text()
    for file in timing.cache.rglob("*.json"):
        file.unlink()
    assert main([*search, "--resume"]) == 0
    assert (path / "latency.json").read_text() == before
    assert not list(timing.cache.rglob("*.json"))
    (path / "genotype.json").unlink()
    processor = json.loads(before)["machine"]["processor"]
    (path / "latency.json").write_text(before.replace(processor, "another"))
    assert f"of another machine (processor another, not {processor})" in refused([*search, "--resume"], capsys)


def test_derive_does_not_write_the_genotype_over_its_weights(run: Path, tmp_path: Path, capsys: Capture) -> None:
    assert "give a name such as x.json" in refused(["derive", str(run), "-o", str(tmp_path / "x.safetensors")], capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flags", ["--scorer short --short-steps 1 --exhaustive 0", "--w-steps 0"])
def test_weights_that_no_search_trained_are_not_handed_over(
    folders: tuple[Path, Path], tmp_path: Path, flags: str
) -> None:
    options = changed(f"{flags} --measure 0 --derive-samples 2")
    assert main(["search", "--data", str(folders[0]), "--run-dir", str(tmp_path / "run"), *options]) == 0
    assert load_genotype(tmp_path / "run" / "genotype.json") in SPACE
    assert not (tmp_path / "run" / "weights.safetensors").exists()


def test_show(run: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["show", str(run)]) == 0
    assert capsys.readouterr().out.splitlines() == load_genotype(run / "genotype.json").lines()
    assert main(["show", str(run), "-o", str(tmp_path / "chain.svg"), "--scale", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "hnas-chain/1"
    assert "enlarges ×2" in (tmp_path / "chain.svg").read_text()


def test_train_a_chain(folders: tuple[Path, Path], tmp_path: Path, capsys: Capture) -> None:
    genotype = ChainGenotype(4, ("conv_3x3", "residual_3x3"), "rgb", 1)
    (tmp_path / "chain.json").write_text(genotype.to_json())
    train = ["train", str(tmp_path / "chain.json"), "--data", str(folders[0]), "--run-dir", str(tmp_path / "run")]
    recipe = ["--steps", "3", "--batch", "2", "--patch", "8", "--scale", "3", "--accelerator", "cpu"]
    assert main([*train, *recipe, "--json"]) == 0
    network = load_model(json.loads(capsys.readouterr().out)["weights"])
    assert (network.genotype, network.scale) == (genotype, 3)
    assert load_genotype(tmp_path / "run" / "genotype.json") == genotype
    assert main([*train, *recipe, "--overwrite", "--channels", "8"]) == 2
    error = capsys.readouterr().err.strip()
    assert "a network of chain has no --channels; it takes --scale" in error
    assert len(error.splitlines()) == 1


SCRIPT = "import sys, torch; torch.set_num_threads(1)\nfrom hnas.cli.main import main\nsys.exit(main(sys.argv[1:]))"


def test_a_killed_search_resumes_to_the_same_bits(folders: tuple[Path, Path], tmp_path: Path) -> None:
    train, val = map(str, folders)
    options = changed("--rounds 40 --checkpoint-every 2 --ema 0.9 --measure 0")

    def search(run: Path, *more: str) -> list[str]:
        return ["search", "--data", train, "--val", val, "--run-dir", str(run), *options, *more]

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *search(cut)], env=environment, stderr=subprocess.DEVNULL)
    log = cut / "log.jsonl"
    while process.poll() is None and not (log.exists() and log.read_bytes().count(b"\n") >= 5):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (cut / "checkpoint" / "state.pt").exists()
    assert not (cut / "genotype.json").exists()
    assert main(search(cut, "--resume")) == 0
    assert main(search(whole)) == 0
    for name in ("genotype.json", "candidates.jsonl"):
        assert (whole / name).read_bytes() == (cut / name).read_bytes()
    wanted, got = (read_weights(run).tensors for run in (whole, cut))
    assert set(wanted) == set(got)
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)


def refused(arguments: list[str], capsys: Capture) -> str:
    """The one line that a mistake gets."""
    capsys.readouterr()
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    return error


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--widths 0", "widths are (0,); allowed are one or more, once each, of 1 to 512"),
        ("--widths 1000000", "1 to 512"),
        ("--widths eight", "eight"),
        ("--widths 4 4", "once each"),
        ("--depths 999", "depths are (999,); allowed are one or more, once each, of 1 to 128"),
        ("--blocks conv_7x7", "allowed are one or more, once each, of conv_3x3, residual_3x3"),
        ("--after 3 --depths 2 4", "after is 3; allowed are at most"),
        ("--after -1", "0 to 128"),
        ("--colour blue", "luma"),
        ("--space trees", "trees"),
        ("--max-macs 1k", "the cheapest genotype has"),
        ("--max-params 10", "the cheapest genotype has"),
        ("--latency-table none.json", "none.json: No such file"),
        ("--max-latency 5ms --threads 9999", "threads is 9999; allowed on this machine are"),
        ("--max-latency 5ms --backend tflite", "tflite"),
        ("--teacher nowhere", "no such weights file"),
        ("--scale 5", "scale"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    folders: tuple[Path, Path], tmp_path: Path, capsys: Capture, flags: str, message: str
) -> None:
    run = tmp_path / "run"
    arguments = ["search", "--data", str(folders[0]), "--run-dir", str(run), *changed(flags)]
    assert message in refused(arguments, capsys)
    assert not run.exists()


def test_derive_below_the_cheapest_is_one_line(run: Path, tmp_path: Path, capsys: Capture) -> None:
    cheapest = min(macs(genotype) for genotype in SPACE)
    arguments = ["derive", str(run), "-o", str(tmp_path / "x.json"), "--max-macs"]
    assert "the cheapest genotype has" in refused([*arguments, str(cheapest - 1)], capsys)
    assert not list(tmp_path.iterdir())
    assert main([*arguments, str(cheapest)]) == 0
    assert macs(load_genotype(tmp_path / "x.json")) == cheapest
    assert "limit" in refused(["derive", str(run), "--max-macs", "-3"], capsys)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"width": 1000000},
        {"width": "8"},
        {"width": True},
        {"blocks": []},
        {"blocks": ["conv_9x9"]},
        {"enlargement": 99},
        {"colour": "blue"},
        {"format": "hnas-genotype/1"},
        {"more\nlines": 1},
    ],
    ids=str,
)
def test_a_hostile_genotype_is_one_line(
    folders: tuple[Path, Path], tmp_path: Path, capsys: Capture, change: dict[str, object]
) -> None:
    path = tmp_path / "chain.json"
    path.write_text(json.dumps({**ChainGenotype(4, ("conv_3x3",), "luma", 1).to_dict(), **change}))
    assert "chain.json" in refused(["show", str(path)], capsys)
    arguments = ["train", str(path), "--data", str(folders[0]), "--run-dir", str(tmp_path / "run"), "--scale", "2"]
    assert "chain.json" in refused(arguments, capsys)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("exhaustive", "updates"), [(100, 0), (0, 2)])
def test_a_space_that_is_scored_whole_needs_no_strategy(
    folders: tuple[Path, Path], tmp_path: Path, exhaustive: int, updates: int
) -> None:
    train, val = map(str, folders)
    options = changed(f"--exhaustive {exhaustive}")
    assert main(["search", "--data", train, "--val", val, "--run-dir", str(tmp_path / "run"), *options]) == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "candidates.jsonl").read_text().splitlines()]
    assert sum(line["source"] == "controller" for line in lines) == 2 * updates


def test_a_limit_of_latency_is_not_kept_by_a_prediction() -> None:
    cost = CandidateCost(macs=1, params=1, latency=5.0, relative=1.0)
    reward = joint_reward(30.0, 1.0, 0.5)
    predicted = Scored(ChainGenotype(4, ("conv_3x3",), "luma", 1), psnr=30.0, gain=1.0, cost=cost, reward=reward)
    timed = replace(predicted, cost=replace(cost, measured=True))
    assert not keeps(predicted, 10.0)
    assert keeps(timed, 10.0)
    assert not keeps(timed, 4.0)
    assert keeps(predicted, 0.0)
