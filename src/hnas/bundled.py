"""The models that come with the package, by name, without anything that takes long to import."""

from __future__ import annotations

from pathlib import Path

#: Where they are.
BUNDLED = Path(__file__).parent / "models"


def bundled_models() -> dict[str, Path]:
    """The weights files that come with the package, by name (each has its card beside it, ``<name>.json``)."""
    return {path.stem: path for path in sorted(BUNDLED.glob("*.safetensors"))}
