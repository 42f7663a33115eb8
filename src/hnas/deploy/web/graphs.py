"""The graphs of the models that a page offers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hnas.bundled import bundled_graph, locate_weights
from hnas.errors import HnasError
from hnas.extras import need


@contextmanager
def graphs_of(models: Sequence[str]) -> Iterator[dict[str, Path]]:
    """ONNX files by the models' names; those that have to be exported first go when the block ends.

    Args:
        models: names of bundled models, .onnx files, weights files or run folders.

    Raises:
        HnasError: there is no such model, two have one name, or torch is missing where one has to be exported.
    """
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Path] = {}
        for model in models:
            path = Path(model)
            graph = path if path.suffix == ".onnx" else None if path.exists() else bundled_graph(model)
            name, graph = (graph.stem, graph) if graph else _exported(path, Path(folder))
            if name in found:
                raise HnasError(f"{model}: a second model called {name}; give it another file name")
            if not graph.is_file():
                raise HnasError(f"{graph}: no such file")
            found[name] = graph
        yield found


def _exported(model: Path, folder: Path) -> tuple[str, Path]:
    weights = locate_weights(model)
    need("onnx")
    from hnas.deploy.export.writing import export_model
    from hnas.weights import load_model, read_weights

    name = weights.parent.name if model.is_dir() else weights.stem
    provenance = read_weights(weights).provenance
    return name, export_model(load_model(weights), folder / f"{name}.onnx", "onnx", provenance=provenance).path
