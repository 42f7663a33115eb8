"""The models that come with the package, and the weights file that a name means, without anything that takes long to
import."""

from __future__ import annotations

from pathlib import Path

from hnas.errors import HnasError
from hnas.run_files import GENOTYPE, WEIGHTS

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


def locate_weights(name_or_path: str | Path) -> Path:
    """The weights file that a path, a run folder or the name of a bundled model means.

    Raises:
        HnasError: there is none.
    """
    path = Path(name_or_path)
    if path.is_dir():
        path /= WEIGHTS
    if path.is_file():
        return path
    bundled = bundled_models()
    if str(name_or_path) in bundled:
        return bundled[str(name_or_path)]
    if path.name == WEIGHTS and (path.parent / GENOTYPE).is_file():
        raise HnasError(f"{path.parent}: this run has a genotype and no weights; `hnas train {path.parent}` makes them")
    names = f"; bundled models are {', '.join(bundled)}" if bundled else ""
    raise HnasError(f"{path}: no such weights file{names}")
