"""A run folder like those that a search with training writes, with numbers made up for the tests of the page."""

from __future__ import annotations

import json
from math import exp
from pathlib import Path
from random import Random

import numpy as np
import yaml
from PIL import Image

from hnas.data.sample import sample_pictures
from hnas.space.cells import CellGenotype, CellSpace

NODES, LAYERS = 3, 6


def candidate(genotype: CellGenotype, random: Random, step: int, source: str) -> dict:
    weight = sum(edge.operation not in ("identity", "rcab") for edge in genotype.normal.edges)
    macs = 1e9 * (2 + 3 * weight + 4 * (genotype.layers - genotype.position) + random.random())
    psnr = 30.2 + 0.9 * (1 - exp(-macs / 1.5e10)) + random.gauss(0, 0.03) + 2e-4 * step
    return {
        "step": step,
        "seed": 0,
        "genotype": genotype.to_dict(),
        "psnr": psnr,
        "gain": psnr - 30.0,
        "macs": round(macs),
        "params": round(macs / 4e5),
        "cost": macs / 2e10,
        "reward": 0.6 * psnr - 0.4 * macs / 2e10,
        "source": source,
    }


def make_run(path: Path, *, steps: int = 40, pictures: bool = True, seed: int = 0) -> Path:
    """Writes every part of a run."""
    random = Random(seed)
    space = CellSpace(layers=LAYERS, nodes=NODES)
    path.mkdir(parents=True)
    config = {
        "command": "demo",
        "scale": 2,
        "layers": LAYERS,
        "lam": 0.6,
        "lr_size": "480x480",
        "training": {"lr": 2e-3},
    }
    (path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    log, candidates = [], []
    for step in range(1, steps + 1):
        record = candidate(space.sample(random), random, step, "controller")
        candidates.append(record)
        supernet = {"gain": 0.01 * step**0.5, "spread": 0.02 + step / 1e4, "tau": step / 900}
        log.append(
            {
                "phase": "search",
                "step": step,
                "w_loss": 0.08 * step**-0.2 * random.uniform(0.9, 1.1),
                "reward": record["reward"],
                "reward_psnr": 0.6 * record["psnr"],
                "reward_cost": 0.4 * record["cost"],
                "psnr": record["psnr"],
                "gain": record["gain"],
                "macs": record["macs"],
                "entropy": {"normal": 18 - step / 60, "upsampling": 16 - step / 50, "position": 1.79 - step / 900},
                **({"supernet": supernet} if step % 10 == 0 else {}),
                **({"warnings": [f"random genotypes differ by 0.0{step} dB: raise warmup"]} if step < 10 else {}),
                "seconds": step / 2,
            }
        )
    finalists = [candidate(space.sample(random), random, steps, "derive") for _ in range(20)]
    best = max(finalists, key=lambda record: record["reward"])
    candidates += [{**record, "chosen": record is best} for record in finalists]
    for step in range(10, 501, 10):
        line = {
            "phase": "train",
            "step": step,
            "loss": 0.06 * step**-0.25 * random.uniform(0.95, 1.05),
            "lr": 1e-3 * (1 - step / 1001),
        }
        log.append({**line, "psnr": 31.5 - 3 / step**0.5} if step % 100 == 0 else line)
    _write_lines(path / "log.jsonl", log)
    _write_lines(path / "candidates.jsonl", candidates)
    (path / "genotype.json").write_text(json.dumps(best["genotype"]))
    rows = [
        {"model": "bicubic (Y, float LR)", "dataset": "held-out", "scale": 2, "psnr": 30.00, "ssim": 0.9011},
        {
            "model": "bicubic (RGB, 8-bit LR)",
            "dataset": "held-out",
            "scale": 2,
            "psnr": 30.01,
            "ssim": 0.9012,
            "pictures": [{"name": "coffee", "psnr": 29.57}],
        },
        {
            "model": "demo",
            "dataset": "held-out",
            "scale": 2,
            "psnr": 31.04,
            "ssim": 0.9155,
            "psnr_x8": 31.12,
            "ssim_x8": 0.9163,
        },
    ]
    (path / "evaluation.json").write_text(json.dumps(rows))
    if pictures:
        (path / "pictures").mkdir()
        photographs = sample_pictures()
        for name in ("coffee", "chelsea"):
            write_picture(path / "pictures", name, photographs[name][100:220, 100:260])
    return path


def write_picture(folder: Path, name: str, picture: np.ndarray) -> None:
    hr = Image.fromarray(picture)
    lr = hr.resize((hr.width // 2, hr.height // 2), Image.Resampling.BICUBIC)
    versions = {
        "lr": lr,
        "bicubic": lr.resize(hr.size, Image.Resampling.BICUBIC),
        "sr": lr.resize(hr.size, Image.Resampling.LANCZOS),
        "hr": hr,
    }
    for kind, image in versions.items():
        image.save(folder / f"{name}_{kind}.png")


def _write_lines(path: Path, lines: list[dict]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
