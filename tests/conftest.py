"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

# One thread per process: the tests are tiny, and results do not depend on the number of cores.
torch.set_num_threads(1)

# A busy machine is no reason to fail, and a continuous build tries the same examples every time.
settings.register_profile(
    "hnas", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("hnas")


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is kept in the user's cache folder is kept in one of the tests' own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("caches")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real photographs (train/, benchmark/, weights/); skips the test where there is none."""
    named = os.environ.get("HNAS_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / "benchmark").is_dir():
        pytest.skip(f"no real photographs at {folder}: set HNAS_DATA to a folder with benchmark/ and train/")
    return folder


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder with small pictures and videos made by other programs; skips the test where there is none."""
    named = os.environ.get("HNAS_CASES")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip(f"no cases at {folder}: set HNAS_CASES to a folder with pictures/ and videos/")
    return folder


@pytest.fixture
def cuda() -> torch.device:
    """The first CUDA GPU; skips the test where there is none."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here")
    return torch.device("cuda", 0)
