"""``hnas demo``."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hnas.cli.options import Json
from hnas.files import write_atomically
from hnas.run_files import CANDIDATES, GENOTYPE, LOG, REPORT, WEIGHTS
from hnas.settings import load_parts, load_settings, read_config, read_devices

if TYPE_CHECKING:
    from hnas.data.folders import Pair
    from hnas.evaluation.table import Row
    from hnas.nets import NetworkOptions
    from hnas.searching.settings import SearchSettings
    from hnas.training.settings import DeviceSettings, TrainingSettings

#: The photograph that the report shows before and after.
SHOWN = "coffee"
LICENCE = "public domain and CC0; listed in hnas/data/photographs/LICENCES.md"


def demo(
    *,
    run_dir: Path = Path("runs/demo"),
    preset: str = "demo",
    seed: int = 0,
    resume: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> None:
    """The whole way once, on photographs that come along: search, derive, train, evaluate, upscale, report.

    Two spaces are searched: the paper's cells, briefly, and plain chains, whose winner goes on training. Eight
    photographs train; the two that are held out from search and training measure. Takes a few minutes on two CPU cores
    and needs no network.

    Args:
        run_dir: Folder of the run; its report is report.html.
        preset: Preset or YAML file with the sections search and train, and search-chain and train-chain for that space.
        seed: Decides every random choice.
        resume: Go on with the run in the folder.
        overwrite: Take the run in the folder away and start anew.
    """
    import torch

    from hnas.data.sample import held_out_pairs
    from hnas.evaluation.table import as_objects
    from hnas.report.page import write_report
    from hnas.training.run_folder import open_run
    from hnas.training.settings import DeviceSettings

    began = perf_counter()
    # A second thread makes steps as small as these 1.2 times faster on a quiet machine, and many times slower on a busy
    # one, where threads wait for each other.
    torch.set_num_threads(1)
    device = load_settings(DeviceSettings, read_devices(preset), source=preset)
    searches = {section: replace(one, seed=seed) for section, one in _searches(preset).items()}
    recipes = {section: _recipe(preset, one) for section, one in searches.items()}  # refused before any work is done
    scale = next(iter(searches.values())).scale
    config = {"command": "demo", "preset": preset, "seed": seed, "scale": scale}
    run = open_run(run_dir, config, result=REPORT, resume=resume, overwrite=overwrite)

    photographs = _write_photographs(run.path / "photographs")
    steps = len(searches) + 2
    for step, (section, settings) in enumerate(searches.items(), 1):
        _search(
            run.path / section, photographs, settings, device, f"{step}/{steps}", resume=resume, overwrite=overwrite
        )
    best = _best_search(run.path, list(searches))
    network, training = recipes[best]
    network, training = replace(network, scale=scale), replace(training, seed=seed)
    before = f"{steps - 1}/{steps}"
    _train(run.path, best, photographs, network, training, device, before, resume=resume, overwrite=overwrite)
    _gather(run.path, best, list(searches))
    _say(f"{steps}/{steps} evaluate on the photographs held out, and upscale one")
    pairs = held_out_pairs(scale)
    rows = _measure(run.path, pairs, scale)
    run.write_json("evaluation.json", as_objects(rows, per_picture=True))
    _upscale(run.path, next(pair for pair in pairs if pair.name == SHOWN))
    report = write_report(run.path)

    bicubic, ours = rows[0].result, rows[1].result
    seconds = perf_counter() - began
    if json:
        summary = {"report": str(report), "seconds": round(seconds, 1), "gain": ours.psnr - bicubic.psnr}
        print(json_module.dumps({**summary, "evaluation": as_objects(rows, per_picture=True)}, indent=2))
        return
    print(f"bicubic {bicubic.psnr:.2f} dB, the network found {ours.psnr:.2f} dB: {ours.psnr - bicubic.psnr:+.2f} dB")
    print(f"(Y PSNR, x{scale}, mean over {' and '.join(pair.name for pair in pairs)}; {seconds:.0f} s)")
    print(f"report: {report}")


def _searches(preset: str) -> dict[str, SearchSettings]:
    """The searches of a preset by their sections: ``search``, and one for each further space, as ``search-chain``."""
    from hnas.searching.settings import SearchSettings
    from hnas.space import KINDS

    found: dict[str, SearchSettings] = {}
    for space in KINDS:
        settings = load_settings(SearchSettings, read_config(preset, "search", space=space), source=preset)
        if settings.space == space:
            found[f"search-{space}" if found else "search"] = settings
    return found


def _recipe(preset: str, search: SearchSettings) -> tuple[NetworkOptions, TrainingSettings]:
    """How a preset trains what a search finds: its section ``train``, or that of the space, as ``train-chain``."""
    from hnas.nets import NetworkOptions
    from hnas.training.settings import TrainingSettings

    values = read_config(preset, "train", space=search.space)
    network, training = load_parts(values, NetworkOptions, TrainingSettings, source=preset)
    return network, training


def _best_search(run_dir: Path, sections: list[str]) -> str:
    """The search whose chosen genotype scores best: all saw the same validation pictures."""
    from hnas.report.run import read_run

    def gain(section: str) -> float:
        (chosen,) = (candidate for candidate in read_run(run_dir / section).candidates if candidate.chosen)
        return chosen.gain or 0.0

    return max(sections, key=gain)


def _search(
    run_dir: Path,
    photographs: Path,
    settings: SearchSettings,
    device: DeviceSettings,
    step: str,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    from hnas.cli.search_view import search_view
    from hnas.searching.runs import RESULT, search
    from hnas.training.run_folder import RunFolder

    if resume and RunFolder(run_dir, RESULT).finished:
        return
    _say(f"{step} search the space {settings.space}, and derive")
    with search_view() as progress:
        search(
            photographs,
            run_dir=run_dir,
            settings=settings,
            devices=device,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
        )


def _train(
    run_dir: Path,
    search: str,
    photographs: Path,
    network: NetworkOptions,
    settings: TrainingSettings,
    device: DeviceSettings,
    step: str,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    from hnas.cli.progress import training_progress
    from hnas.space import load_genotype
    from hnas.training.run_folder import RunFolder
    from hnas.training.train_network import TrainingJob, train_network

    if resume and RunFolder(run_dir / "train", WEIGHTS).finished:
        return
    weights = run_dir / search / WEIGHTS
    how = "go on training the network found" if weights.exists() else "train the network found from scratch"
    _say(f"{step} {how}: {load_genotype(run_dir / search / GENOTYPE).summary()}")
    job = TrainingJob(
        model=str(run_dir / search),
        warm_start=weights if weights.exists() else None,
        data=(photographs,),
        licence=LICENCE,
        network=network,
        settings=settings,
        device=device,
    )
    with training_progress("train", settings.steps) as progress:
        train_network(job, run_dir / "train", resume=resume, overwrite=overwrite, progress=progress)


def _gather(run_dir: Path, best: str, sections: list[str]) -> None:
    """Brings the results of all parts together, so that the run's folder reads like any other.

    Candidates are those of all searches, the chosen one that of the best; the other searches' logs stay with them.
    """
    parts = {
        LOG: (best, "train"),
        GENOTYPE: (best,),
        WEIGHTS: ("train",),
    }
    for name, folders in parts.items():
        write_atomically(run_dir / name, b"".join((run_dir / folder / name).read_bytes() for folder in folders))
    lines = []
    for section in sections:
        for line in (run_dir / section / CANDIDATES).read_text(encoding="utf-8").splitlines():
            candidate = json_module.loads(line)
            lines.append({**candidate, "chosen": candidate["chosen"] and section == best})
    write_atomically(run_dir / CANDIDATES, "".join(json_module.dumps(line) + "\n" for line in lines))


def _write_photographs(folder: Path) -> Path:
    """Writes the photographs to train on as files, so that every step can be repeated by hand."""
    from hnas.data.pictures import write_picture
    from hnas.data.sample import HELD_OUT, sample_pictures

    for name, picture in sample_pictures().items():
        if name not in HELD_OUT:
            write_picture(folder / f"{name}.png", picture)
    return folder


def _measure(run_dir: Path, pairs: list[Pair], scale: int) -> list[Row]:
    from hnas.evaluation.benchmark import bicubic_result, evaluate_model
    from hnas.evaluation.table import Row
    from hnas.weights import load_model

    model = load_model(run_dir)
    return [
        Row("bicubic", "sample", scale, bicubic_result(pairs, scale)),
        Row("demo", "sample", scale, evaluate_model(model, pairs, scale=scale)),
    ]


def _upscale(run_dir: Path, pair: Pair) -> None:
    """Writes one photograph before and after, for the report."""
    from hnas.data.pictures import write_picture
    from hnas.data.resize import imresize
    from hnas.deploy.enlarge.models import load

    upscaler = load(run_dir)
    pictures = {
        "lr": pair.lr,
        "bicubic": imresize(pair.lr, upscaler.scale),
        "sr": upscaler.upscale(pair.lr),
        "hr": pair.hr,
    }
    for kind, picture in pictures.items():
        write_picture(run_dir / "pictures" / f"{pair.name}_{kind}.png", picture)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
