"""One study by short training with one process and with several: seconds, processor time, genotypes trained.

    python bench/workers.py --data FOLDER --val FOLDER --processes 1 2

Processor time says what the work cost even where other programs take their share of the seconds: where a study by two
processes costs what it costs with one, nothing is done twice.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from hnas.extras import script_needs

script_needs("torch")

import torch

from hnas.memory import keep_memory
from hnas.run_files import SCORES
from hnas.searching.settings import SearchSettings, StudySettings
from hnas.searching.study.run import run_study
from hnas.settings import load_settings, read_config
from hnas.workers import Engine

#: Of the searches, where they differ from the preset cpu.
BASE: dict[str, Any] = {"scorer": "short", "layers": 3, "derive_patch": 24, "population": 8, "tournament": 4}


def _processor_seconds() -> float:
    """Of this process and of all that it has waited for."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--val", required=True)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=100, help="of each short training")
    parser.add_argument("--evaluations", type=int, default=20, help="genotypes that each search scores: 10 and more")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--on", default="local")
    arguments = parser.parse_args()
    keep_memory()
    torch.set_num_threads(1)  # as the processes of a study have
    chosen = {**read_config("cpu", "search"), **BASE, "short_steps": arguments.steps}
    settings = load_settings(SearchSettings, chosen)
    study = StudySettings(
        strategies=("random", "evolution"), seeds=arguments.seeds, evaluations=arguments.evaluations, alone=0
    )
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("| processes | s | processor s | genotypes trained | times as fast |\n|---:|---:|---:|---:|---:|")
    first = None
    for processes in arguments.processes:
        engine = Engine(on=arguments.on, processes=processes)
        with tempfile.TemporaryDirectory() as folder:
            began, spent = time.perf_counter(), _processor_seconds()
            run = Path(folder) / "study"
            run_study(arguments.data, arguments.val, run_dir=run, settings=settings, study=study, engine=engine)
            seconds, spent = time.perf_counter() - began, _processor_seconds() - spent
            trained = len(list((run / SCORES).glob("*.json")))
        first = first or seconds
        print(f"| {processes} | {seconds:.0f} | {spent:.0f} | {trained} | {first / seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
