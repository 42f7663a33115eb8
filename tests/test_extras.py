"""Packages that are not there, and packages that are and cannot be loaded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hnas.errors import HnasError
from hnas.extras import need


def test_a_package_that_is_absent_is_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(HnasError, match=r"needs the package onnx: pip install 'hnas-sr\[onnx\]'"):
        need("onnx")


def test_a_package_that_cannot_be_loaded_is_not_to_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where memory ends while its library is mapped."""
    (tmp_path / "broken_package.py").write_text(
        "raise ImportError('x.so: failed to map segment: Cannot allocate memory')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(HnasError, match=r"broken_package cannot be loaded \(x\.so: failed to map segment: Cannot all"):
        need("broken_package")
