"""Work that several processes share comes to what one of them would have found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hnas.searching.sharing_out import patches_of


@pytest.mark.parametrize("world", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(("batch", "genotypes"), [(4, 1), (12, 3), (6, 6), (16, 4)])
def test_every_patch_falls_to_one_process_and_the_mean_is_that_of_all(world: int, batch: int, genotypes: int) -> None:
    losses = np.random.default_rng(world).random(batch)
    seen = np.zeros(batch, int)
    parts = []
    for rank in range(world):
        own = 0.0
        for number, few, weight in patches_of(rank, world=world, batch=batch, genotypes=genotypes):
            assert {index * genotypes // batch for index in range(few.start, few.stop)} == {number}
            seen[few] += 1
            own += weight * losses[few].mean() / genotypes
        parts.append(own)
    assert (seen == 1).all()
    assert np.mean(parts) == pytest.approx(losses.mean())


SETTINGS = (
    *("--layers=2", "--nodes=1", "--channels=4", "--target-channels=4", "--rounds=2", "--w-steps=2", "--patch=8"),
    *("--controller-steps=1", "--batch=4", "--w-genotypes=2", "--samples=3", "--hidden=8", "--derive-samples=5"),
    *("--derive-patch=12", "--tau-samples=3", "--short-steps=2", "--accelerator=cpu", "--json"),
)


def _candidates(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "candidates.jsonl").read_text().splitlines()]


def test_two_processes_find_what_one_finds(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """No number of genotypes here is a multiple of two."""
    runs = tmp_path / "one", tmp_path / "two"
    data = ("--data", str(folders[0]), "--val", str(folders[1]))
    started = [
        subprocess.run(
            [sys.executable, "-m", "hnas", "search", *data, *SETTINGS, f"--devices={count}", "--run-dir", str(run)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        for count, run in zip((1, 2), runs, strict=True)
    ]
    assert [one.returncode for one in started] == [0, 0], started[1].stderr[-2000:]
    found = [json.loads(one.stdout) for one in started]
    assert found[1]["candidates"] == found[0]["candidates"]
    alone, together = map(_candidates, runs)
    assert [line["genotype"] for line in together] == [line["genotype"] for line in alone]
    np.testing.assert_allclose([line["psnr"] for line in together], [line["psnr"] for line in alone], atol=0.02)
    logs = [[json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()] for run in runs]
    first, second = ([line for line in log if line["phase"] == "search"] for log in logs)
    assert len(second) == 2
    np.testing.assert_allclose([line["w_loss"] for line in second], [line["w_loss"] for line in first], rtol=1e-3)
    assert second[-1]["supernet"]["gain"] == pytest.approx(first[-1]["supernet"]["gain"], abs=0.02)
    assert "tau" in second[-1]["supernet"]
