from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from hnas.cli.main import main
from hnas.data.folders import Pair, load_pairs
from hnas.data.pictures import write_picture
from hnas.errors import HnasError
from hnas.nets import NetworkSettings, network_cost
from hnas.searching.derive import derive_genotype
from hnas.searching.improve import improve_genotype, inside
from hnas.searching.pictures import middle_crops
from hnas.searching.runs import RESULT, derive, open_searcher, rescore, search
from hnas.searching.scoring import batch_psnr
from hnas.searching.searcher import Searcher
from hnas.searching.settings import Limits, SearchSettings
from hnas.space import load_genotype
from hnas.training.run_folder import RunFolder
from hnas.training.settings import DeviceSettings
from tests.searching.conftest import picture

CPU = DeviceSettings(accelerator="cpu")


@pytest.fixture(scope="module")
def run(folders: tuple[Path, Path], tiny: SearchSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished search for every lambda."""
    path = tmp_path_factory.mktemp("runs") / "run"
    settings = replace(tiny, lam="0.05..0.95", derive_samples=16)
    search(*folders, run_dir=path, settings=settings, devices=CPU)
    return path


def chosen(run: Path) -> dict[str, object]:
    lines = [json.loads(line) for line in (run / "candidates.jsonl").read_text().splitlines()]
    found = [line for line in lines if line["chosen"]]
    assert all(line["source"] == "derive" for line in found)
    return dict(found[-1])


def test_scoring_the_saved_genotype_again_gives_the_stored_score(run: Path) -> None:
    genotype = load_genotype(run / "genotype.json")
    stored = chosen(run)
    assert stored["genotype"] == genotype.to_dict()
    assert rescore(run, genotype) == stored["psnr"]


def test_one_search_answers_every_budget(run: Path, tmp_path: Path) -> None:
    settings = NetworkSettings(channels=4)
    space = SearchSettings(
        layers=2,
        nodes=1,
        normal_operations=("identity", "sep_conv_3x3"),
        upsampling_operations=("nearest", "sub_pixel"),
    ).search_space
    costs = sorted(network_cost(genotype, settings).macs for genotype in space)
    largest = []
    for part in (0.25, 0.5, 0.9):
        limit = costs[int(part * len(costs))]
        output = tmp_path / f"{part}.json"
        derived = derive(run, limits=Limits(macs=limit), output=output)
        saved = load_genotype(output)
        assert saved == derived.best.genotype
        assert network_cost(saved, settings).macs <= limit
        assert all(candidate.cost.macs <= limit for candidate in derived.candidates)
        assert derived.best.psnr == max(candidate.psnr for candidate in derived.candidates)
        largest.append(max(candidate.cost.macs for candidate in derived.candidates))
    # Which genotype wins is up to weights that hardly learnt anything; what stood for choice is not.
    assert largest[0] < largest[1] < largest[2]  # each budget is made use of


def test_a_limit_out_of_reach_and_a_foreign_lambda_are_said(run: Path) -> None:
    with pytest.raises(HnasError, match="the cheapest genotype has"):
        derive(run, limits=Limits(macs=1.0))
    with pytest.raises(HnasError, match=r"lam is 0.99; this search was made for 0.05\.\.0.95"):
        derive(run, lam=0.99)


def test_the_best_has_the_highest_reward(make_searcher: Callable[..., Searcher]) -> None:
    searcher = make_searcher(strategy="random")
    derived = derive_genotype(searcher, count=12)
    values = [0.6 * one.psnr - 0.4 * one.cost.relative for one in derived.candidates]
    assert values == sorted(values, reverse=True)
    assert derived.best is derived.candidates[0]
    lr, hr = searcher.pictures.validation
    assert derived.best.psnr == searcher.evaluator(derived.best.genotype, lr, hr)


def test_the_best_may_be_that_of_the_highest_psnr(make_searcher: Callable[..., Searcher]) -> None:
    derived = derive_genotype(make_searcher(strategy="random", derive_by="psnr", lam=0.001), count=12)
    values = [one.psnr for one in derived.candidates]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) > 1


def test_a_known_set_validates_by_its_name_with_whole_pictures_of_any_size(
    folders: tuple[Path, Path], tiny: SearchSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The score is the mean over the pictures of what numpy makes of the network's picture of each."""
    monkeypatch.setenv("HNAS_DATA", str(tmp_path))
    (tmp_path / "benchmark/Set5/HR").mkdir(parents=True)
    for index, side in enumerate((40, 48, 56)):
        write_picture(tmp_path / f"benchmark/Set5/HR/{index}.png", picture(70 + index, side))
    settings = replace(tiny, derive_patch=0, derive_pictures=0)
    derived = search(folders[0], "Set5", run_dir=tmp_path / "run", settings=settings, devices=CPU)
    assert rescore(tmp_path / "run", derived.best.genotype) == derived.best.psnr
    searcher = open_searcher(RunFolder(tmp_path / "run", RESULT))
    weights, scores = np.array([65.481, 128.553, 24.966]), []
    for pair in load_pairs(tmp_path / "benchmark/Set5", 2):
        with torch.no_grad():
            assert searcher.weights is not None
            sr = searcher.weights.judging(torch.tensor(pair.lr).permute(2, 0, 1)[None] / 255, derived.best.genotype)
        made = sr[0].permute(1, 2, 0).clamp(0, 1).double().numpy()
        error = (((made - pair.hr / 255) @ weights)[2:-2, 2:-2] ** 2).mean() + 1 / 12
        scores.append(10 * np.log10(255**2 / error))
    assert len({pair.hr.shape for pair in load_pairs(tmp_path / "benchmark/Set5", 2)}) == 3
    assert derived.best.psnr == pytest.approx(np.mean(scores), abs=2e-3)
    with pytest.raises(HnasError, match="no set of that name is known"):
        search(folders[0], "Set6", run_dir=tmp_path / "other", settings=settings, devices=CPU)


def test_a_given_genotype_is_improved_at_no_more_cost(make_searcher: Callable[..., Searcher]) -> None:
    """Scores are made up, the sum of a value for each operation, so that the best of all within the cost is known."""
    searcher = make_searcher(strategy="random")
    space = searcher.settings.search_space
    worth = {"identity": 1.0, "sep_conv_3x3": 0.0, "nearest": 0.0, "sub_pixel": 0.5}

    def value(genotype: Any, *pictures: object) -> float:
        cells = (genotype.normal, genotype.upsampling)
        return 30.0 + sum(worth[edge.operation] for cell in cells for edge in cell.edges)

    searcher.evaluator = cast(Any, value)
    members = sorted(space, key=lambda one: (searcher.costs(one).macs, one.to_json()))
    for given in (members[0], members[len(members) // 2], members[-1]):
        improved = improve_genotype(searcher, given).best
        assert improved.cost.macs <= searcher.costs(given).macs
        assert improved.genotype.to_dict()["position"] == given.to_dict()["position"]
        assert improved.psnr >= value(given)
        for other in inside(space, improved.genotype):  # no single change that costs nothing more is better
            assert value(other) <= improved.psnr or searcher.costs(other).macs > searcher.costs(given).macs
    assert value(members[-1]) < max(map(value, members))
    assert improved.psnr == max(map(value, members))
    limit = Limits(macs=float(searcher.costs(members[20]).macs))
    for one in improve_genotype(searcher, members[-1], limits=limit).candidates:
        assert one.genotype == members[-1] or one.cost.macs <= limit.macs
    with pytest.raises(HnasError, match="leave out --max-latency"):
        improve_genotype(searcher, members[0], limits=Limits(latency=1.0))


def test_the_command_improves_a_genotype_of_the_space_alone(run: Path, tmp_path: Path) -> None:
    given = load_genotype(run / "genotype.json")
    (tmp_path / "given.json").write_text(given.to_json())
    output = tmp_path / "improved.json"
    assert main(["derive", str(run), "--improve", str(tmp_path / "given.json"), "-o", str(output)]) == 0
    assert rescore(run, load_genotype(output)) >= rescore(run, given)
    assert main(["derive", str(run), "--improve", "HNAS-A", "-o", str(output)]) == 2
    assert main(["derive", str(run), "--improve", str(output), "--samples", "3"]) == 2


def test_what_is_no_finished_search_is_not_derived_from(run: Path, tmp_path: Path) -> None:
    with pytest.raises(HnasError, match="not a run folder"):
        derive(tmp_path)
    (tmp_path / "config.yaml").write_bytes((run / "config.yaml").read_bytes())
    with pytest.raises(HnasError, match="no finished search"):
        derive(tmp_path)
    with pytest.raises(HnasError, match="is not a folder"):
        derive(run / "genotype.json")
    with pytest.raises(HnasError, match="does not exist"):
        derive(run / "nowhere")


def test_a_finished_search_is_not_overwritten(run: Path, folders: tuple[Path, Path], tiny: SearchSettings) -> None:
    before = (run / "genotype.json").read_bytes()
    with pytest.raises(HnasError, match="overwrite"):
        search(*folders, run_dir=run, settings=tiny, devices=CPU)
    assert (run / "genotype.json").read_bytes() == before


def test_a_search_killed_between_result_and_report_is_finished_by_its_record(
    folders: tuple[Path, Path], tiny: SearchSettings, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    first = search(*folders, run_dir=path, settings=tiny, devices=CPU)
    kept = {file.name: file.read_bytes() for file in path.iterdir() if file.is_file()}
    again = search(*folders, run_dir=path, settings=tiny, devices=CPU, resume=True, then="report.html")
    assert again.sentence() == first.sentence()
    assert again.summary().keys() == first.summary().keys()
    assert [one.genotype for one in again.candidates] == [one.genotype for one in first.candidates]
    assert again.best.reward.value == pytest.approx(first.best.reward.value)
    assert {file.name: file.read_bytes() for file in path.iterdir() if file.is_file()} == kept
    (path / "report.html").write_text("there")
    with pytest.raises(HnasError, match="this run is finished"):
        search(*folders, run_dir=path, settings=tiny, devices=CPU, resume=True, then="report.html")


def test_psnr_of_a_batch_is_the_mean_of_its_pictures(fabric: Fabric) -> None:
    """Against numpy, on Y of BT.601, border left out, with the squared error of rounding (1/12) added."""
    draw = np.random.default_rng(0)
    hr = draw.random((3, 16, 16, 3))
    sr = np.clip(hr + draw.normal(0, 0.05, hr.shape), 0, 1)
    weights = np.array([65.481, 128.553, 24.966])
    error = (((sr - hr) @ weights)[:, 2:-2, 2:-2] ** 2).mean((1, 2)) + 1 / 12
    first, second = (torch.from_numpy(x).permute(0, 3, 1, 2).float() for x in (sr, hr))
    assert batch_psnr(first, second, 2) == pytest.approx(np.mean(10 * np.log10(255**2 / error)), abs=1e-3)


def test_crops_are_the_middle_of_the_pictures_and_small_ones_are_named(
    make_pairs: Callable[..., list[Pair]],
) -> None:
    pairs = make_pairs(4)
    lr, hr = middle_crops(pairs, patch=10, limit=2)
    assert lr.shape == (2, 3, 10, 10)
    assert np.array_equal((hr[1] * 255).round().permute(1, 2, 0).numpy(), pairs[2].hr[14:34, 14:34])
    with pytest.raises(HnasError, match="p0: 24x24 LR pixels are smaller than derive_patch"):
        middle_crops(pairs, patch=32)
