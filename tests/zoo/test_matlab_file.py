"""MATLAB files are read as scipy reads whole ones, and damaged ones are refused: scipy's reader ends the process."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from hnas.errors import HnasError
from hnas.zoo.matlab_file import read_matlab


@pytest.mark.parametrize("packed", [False, True])
def test_numbers_cells_and_structs_are_those_that_scipy_reads(tmp_path: Path, packed: bool) -> None:
    draw = np.random.default_rng(0)
    cell = np.empty((2, 3), object)
    for index in range(6):
        cell.flat[index] = draw.normal(size=(index + 1, 2))
    said = {
        "numbers": draw.normal(size=(3, 4, 5)), "single": draw.normal(size=(2, 3)).astype(np.float32),
        "bytes": draw.integers(256, size=(2, 2), dtype=np.uint8), "cell": cell, "none": np.zeros((0, 3)),
        "model": {"weight": cell, "bias": np.arange(4.0)},
    }  # fmt: skip
    savemat(tmp_path / "a.mat", said, do_compression=packed)
    found, wanted = read_matlab(tmp_path / "a.mat"), loadmat(tmp_path / "a.mat")
    assert found.keys() == said.keys()
    for name in ("numbers", "single", "bytes", "none"):
        np.testing.assert_array_equal(found[name], wanted[name])
    for one, other in (
        (found["cell"], wanted["cell"]), (found["model"]["weight"][0, 0], wanted["model"]["weight"][0, 0]),
    ):  # fmt: skip
        assert one.shape == other.shape == (2, 3)
        for mine, theirs in zip(one.flat, other.flat, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(found["model"]["bias"][0, 0], wanted["model"]["bias"][0, 0])


def test_damaged_files_end_in_arrays_or_in_one_line(tmp_path: Path) -> None:
    buffer, chance, path = io.BytesIO(), random.Random(0), tmp_path / "a.mat"
    savemat(buffer, {"a": np.arange(12.0).reshape(3, 4), "b": np.array([np.ones(2), "x"], dtype=object)})
    ended = set()
    for _ in range(500):
        content = bytearray(buffer.getvalue())
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(128, len(content))] = chance.randrange(256)
        path.write_bytes(content)
        try:
            read_matlab(path)
            ended.add("read")
        except HnasError as error:
            ended.add(f"refused in {len(str(error).splitlines())} line")
    assert ended == {"read", "refused in 1 line"}
