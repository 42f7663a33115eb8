"""Where a study keeps its searches."""

from __future__ import annotations

from pathlib import Path


def shared_folder(folder: Path, seed: int) -> Path:
    """Where the weights of one seed are trained, which all its searches share."""
    return folder / f"seed-{seed}-shared"


def search_folder(folder: Path, seed: int, strategy: str) -> Path:
    """Where a study's folder has one search; not every system allows a colon in a file's name."""
    return folder / f"seed-{seed}-{strategy.replace(':', '-')}"
