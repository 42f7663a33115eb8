"""The models that come with the package, by name, without anything that takes long to import."""

from __future__ import annotations

from pathlib import Path

#: Where they are.
BUNDLED = Path(__file__).parent / "models"


def bundled_models() -> dict[str, Path]:
    """The weights files that come with the package, by name (each has its card beside it, ``<name>.json``)."""
    return {path.stem: path for path in sorted(BUNDLED.glob("*.safetensors"))}


def bundled_graph(name: str) -> Path | None:
    """The graph of a bundled model, which runtimes take without torch; None where no such model comes with one."""
    weights = bundled_models().get(name)
    graph = weights.with_suffix(".onnx") if weights else None
    return graph if graph and graph.is_file() else None
