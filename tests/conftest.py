"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

# One thread per process: the tests are tiny, and results do not depend on the number of cores.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real photographs (train/, benchmark/, weights/); skips the test where there is none."""
    named = os.environ.get("HNAS_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / "benchmark").is_dir():
        pytest.skip(f"no real photographs at {folder}: set HNAS_DATA to a folder with benchmark/ and train/")
    return folder
