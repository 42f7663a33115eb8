"""The package in examples/ is built and installed apart, and its own tests run there; without it, files say so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hnas.errors import HnasError
from hnas.weights import load_model

pytest.importorskip("setuptools", minversion="77")  # builds the package
pytest.importorskip("pip")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The package's folder, and the environment of processes that have it installed."""
    folder, installed = tmp_path_factory.mktemp("example") / "hnas-example", tmp_path_factory.mktemp("installed")
    shutil.copytree(ROOT / "examples" / "hnas-example", folder, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(installed)]
    subprocess.run([*pip, *alone, str(folder)], check=True)
    paths = [str(installed), str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return folder, {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}


def test_the_page_says_how_many_lines_each_part_took() -> None:
    page = (ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"`(\w+\.py)` \| (\d+) \|", page))
    parts = (ROOT / "examples" / "hnas-example" / "src" / "hnas_example").glob("[!_]*.py")
    assert found == {path.name: str(len(path.read_text(encoding="utf-8").splitlines())) for path in parts}


def test_its_own_tests_pass(example: tuple[Path, dict[str, str]]) -> None:
    folder, environment = example
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


SAVE = """
import sys
from hnas.nets import NetworkOptions, build_model, network_of
from hnas.nets.peers import PEERS
from hnas.conformance.operations import genotype_with
from hnas.weights import save_model
for name, model in (
    ("network", build_model(PEERS["tiny-residual"].description)),
    ("operation", network_of(genotype_with("large_depthwise"), NetworkOptions(channels=2))),
):
    save_model(f"{sys.argv[1]}/{name}.safetensors", model, {})
"""


def test_weights_say_which_package_they_need(example: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", SAVE, str(tmp_path)], env=example[1], check=True)
    for name in ("network", "operation"):
        path = tmp_path / f"{name}.safetensors"
        with pytest.raises(HnasError) as error:
            load_model(path)
        assert str(error.value) == (
            f"{path}: this network has parts of the package hnas-example (0.1.0), which is not installed; "
            "if you trust it: pip install hnas-example"
        )


def test_the_command_line_takes_its_parts(example: tuple[Path, dict[str, str]]) -> None:
    command = [sys.executable, "-m", "hnas", "profile", "tiny-residual", "--channels", "4", "--depth", "1", "--json"]
    command.append("--no-latency")
    done = subprocess.run(command, env=example[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # 3x3 convolutions with biases: 3 to 4, 4 to 4 and 4 to 12.
    assert str(9 * (3 * 4 + 4 * 4 + 4 * 12) + 4 + 4 + 12) in done.stdout.replace(",", "")
