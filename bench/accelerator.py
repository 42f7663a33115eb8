"""What bench/accelerator.sh does with run folders: `check`, `prepare`, `teach`, `pack`, `figures`, `sample`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tarfile
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

#: What `hnas train`, `hnas bench` and the tests import that is not in Python itself, by the names of the modules.
MODULES = (
    *("torch", "numpy", "PIL", "scipy", "safetensors", "lightning_fabric", "filelock", "cyclopts", "rich"),
    *("yaml", "matplotlib", "jinja2", "psutil", "requests", "pytest", "hypothesis"),
)
#: A run folder's files that a training goes on from.
STATE = ("config.yaml", "log.jsonl", "genotype.json", "checkpoint/state.pt")
#: Those of a finished one.
RESULT = ("config.yaml", "log.jsonl", "genotype.json", "weights.safetensors")


def check(device: str) -> int:
    """Whether everything is installed and the device can be seen; versions."""
    if missing := [name for name in MODULES if find_spec(name) is None]:
        print(f"{sys.executable} lacks {', '.join(missing)}; install them or set PYTHON to a Python that has them")
        return 1
    import torch

    print(f"Python {platform.python_version()}, torch {torch.__version__}, CUDA of torch {torch.version.cuda}")
    if device == "cuda":
        if not torch.cuda.is_available():
            print("torch sees no CUDA GPU; --rehearse tries the script on the CPU")
            return 1
        free, total = torch.cuda.mem_get_info()
        print(f"{torch.cuda.get_device_name()}, {free / 2**30:.0f} of {total / 2**30:.0f} GiB free")
    return 0


def prepare(runs: list[Path], work: Path, *, data: list[str], val: str, teacher: str) -> int:
    """Copies run folders to where they are gone on with, their settings naming files of this machine."""
    from hnas.errors import HnasError

    pictures: dict[tuple[str, ...], int] = {}
    failed = 0
    for run in runs:
        try:
            if (run / RESULT[-1]).exists():
                raise HnasError(f"{run}: this run is finished")
            _prepare(run, work / run.resolve().name, pictures, data=data, val=val, teacher=teacher)
        except (HnasError, OSError) as error:
            print(f"left out: {error}")
            failed = 1
    return failed


def _prepare(
    run: Path, copy: Path, pictures: dict[tuple[str, ...], int], *, data: list[str], val: str, teacher: str
) -> None:
    import yaml

    from hnas.data.folders import load_pairs
    from hnas.errors import HnasError

    if copy.exists():
        raise HnasError(f"{run}: another run folder has this name")
    config: dict[str, Any] = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    config["data"] = data or config["data"]
    for name, value in (("val", val), ("teacher", teacher)):
        config[name] = value if value and config[name] else config[name]
        if config[name] and not Path(config[name]).exists():
            raise HnasError(
                f"{run}: it needs --{name}, and {config[name]} does not exist; set {name.upper()} to where it is"
            )
    if (run / STATE[-1]).exists():
        config["warm_start"] = None  # its weights are in the state
    # Every piece must see the same pictures; how many they are stands in the log.
    key = (*config["data"], str(config["scale"]))
    if key not in pictures:
        pictures[key] = sum(len(load_pairs(folder, config["scale"])) for folder in config["data"])
    log = run / "log.jsonl"
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    if lines and lines[0].get("pictures", pictures[key]) != pictures[key]:
        raise HnasError(f"{run}: it was started with {lines[0]['pictures']} pictures, here are {pictures[key]}")
    for name in STATE:
        if (run / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(run / name, copy / name)
    if (copy / "genotype.json").exists() and not Path(config["model"]).exists():
        config["model"] = str(copy)  # a genotype of another machine's file
    (copy / "original.yaml").write_bytes((copy / "config.yaml").read_bytes())
    given = {name: value for name, value in config.items() if value is not None}
    (copy / "config.yaml").write_text(yaml.safe_dump(given, sort_keys=False), encoding="utf-8")


def teach(work: Path) -> int:
    """Makes the teachers' pictures that prepared run folders need: on a GPU, or on all cores."""
    import torch
    import yaml

    configs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(work.glob("*/config.yaml"))]
    wanted = {
        (tuple(c["data"]), c["teacher"], c["scale"], c["patch"], (*c["shrunk"], *c["enlarged"]))
        for c in ({"shrunk": (), "enlarged": ()} | config for config in configs)
        if c.get("teacher")
    }
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    device, workers = ("cuda", min(4, cores)) if torch.cuda.is_available() else ("cpu", cores)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for job in sorted(wanted):
            made = [pool.submit(_teach, job, device, part, workers) for part in range(workers)]
            print(f"{sum(one.result() for one in made)} pictures of {job[1]}, {workers} processes on {device}")
    return 0


def _teach(job: tuple[Any, ...], device: str, part: int, parts: int) -> int:
    import torch

    from hnas.data.folders import load_pairs
    from hnas.data.resized import with_resized
    from hnas.training.teacher import taught

    torch.set_num_threads(1)
    data, teacher, scale, patch, factors = job
    pairs = [pair for folder in data for pair in load_pairs(folder, scale)][part::parts]
    return len(taught(with_resized(pairs, factors, scale=scale, patch=patch), teacher, scale=scale, device=device))


def pack(runs: list[Path], work: Path, output: Path, *, limit: int) -> int:
    """Writes what prepared run folders have become, with their own settings again, into one tar file."""
    left, failed = limit, 0
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_name(f".{output.name}.tmp")
    with tarfile.open(beside, "w") as tar:
        for run in runs:
            copy = work / run.resolve().name
            if not copy.is_dir():
                continue
            names = [name for name in _names(copy) if (copy / name).exists()]
            size = sum((copy / name).stat().st_size + 1024 for name in names)
            if size > left:
                print(
                    f"left out of {output.name}: {copy.name}, {size / 2**20:.1f} MiB where {left / 2**20:.1f} are left"
                )
                failed = 1
                continue
            left -= size
            for name in names:
                source = copy / ("original.yaml" if name == "config.yaml" else name)
                tar.add(source, f"{copy.name}/{name}")
            print(_progress(run, copy))
    beside.replace(output)
    return failed


def _names(copy: Path) -> tuple[str, ...]:
    return RESULT if (copy / RESULT[-1]).exists() else STATE


def _progress(run: Path, copy: Path) -> str:
    (before, seconds), (after, more) = _place(run), _place(copy)
    speed = f", {(after - before) / (more - seconds):.0f} steps a second" if more > seconds else ""
    finished = " (finished)" if (copy / RESULT[-1]).exists() else ""
    return f"{copy.name}: step {before} to {after}{finished}{speed}"


def _place(folder: Path) -> tuple[int, float]:
    """Steps and seconds of the newest state."""
    from hnas.training.checkpoint import load_checkpoint

    state = load_checkpoint(folder / "checkpoint")
    return (state["place"]["step"], state["place"]["seconds"]) if state else (0, 0.0)


def figures(results: Path) -> int:
    """The lines of `hnas bench --json`, in a few words each."""
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    for item in (item for line in lines for item in json.loads(line)):
        if "width" in item:
            speed = f"{item['steps_per_second']:.0f} steps a second, {item['share']:.1%} of the peak"
            print(f"{item['name']}, {item['width']} channels, {item['precision']}: {speed}")
        else:
            seconds = {way: sum(item[way].values()) for way in ("plain", "ours", "mixed") if item[way]}
            print(f"{item['name']}: " + ", ".join(f"{way} {1e3 * value:.2f} ms" for way, value in seconds.items()))
    return 0


def sample(folder: Path) -> int:
    """Pictures, two chains and a teacher, small enough to rehearse with."""
    import torch
    from PIL import Image

    from hnas.data.sample import HELD_OUT, sample_pictures
    from hnas.nets import NetworkOptions, build_model
    from hnas.training.train_network import model_description
    from hnas.weights import save_model

    for name, picture in sample_pictures().items():
        path = folder / ("val" if name in HELD_OUT else "data") / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[:96, :96]).save(path)
    for width, depth in ((8, 2), (4, 3)):
        blocks = ["conv_3x3"] * depth
        chain = {"format": "hnas-chain/1", "width": width, "blocks": blocks, "colour": "luma", "enlargement": depth}
        (folder / f"chain-{width}x{depth}.json").write_text(json.dumps(chain), encoding="utf-8")
    torch.manual_seed(0)
    teacher = build_model(model_description(folder / "chain-8x2.json", NetworkOptions()))
    save_model(folder / "teacher.safetensors", teacher, {"licence": "CC0"})
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check").add_argument("device")
    one = commands.add_parser("prepare")
    one.add_argument("--work", type=Path, required=True)
    one.add_argument("--data", default="", help="folders with a colon between them")
    one.add_argument("--val", default="")
    one.add_argument("--teacher", default="")
    one.add_argument("runs", type=Path, nargs="+")
    commands.add_parser("teach").add_argument("work", type=Path)
    one = commands.add_parser("pack")
    one.add_argument("--work", type=Path, required=True)
    one.add_argument("--output", type=Path, required=True)
    one.add_argument("--limit", type=int, default=15 * 2**20, help="bytes")
    one.add_argument("runs", type=Path, nargs="+")
    commands.add_parser("figures").add_argument("results", type=Path)
    commands.add_parser("sample").add_argument("folder", type=Path)
    given = vars(parser.parse_args())
    command = given.pop("command")
    if command == "prepare":
        given["data"] = [folder for folder in given["data"].split(":") if folder]
    return int(globals()[command](**given))


if __name__ == "__main__":
    sys.exit(main())
