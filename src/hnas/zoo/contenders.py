"""Who takes part in a comparison by milliseconds: every network of one scale whose weights are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from hnas.bundled import bundled_models, locate_weights
from hnas.errors import HnasError
from hnas.nets import model_scale
from hnas.run_files import WEIGHTS
from hnas.weights import load_model, read_weights
from hnas.zoo.published import published_model
from hnas.zoo.table_two import SCALE, System
from hnas.zoo.weights_at_hand import find_weights, published_names, published_systems


@dataclass(frozen=True)
class Contender:
    """A network with its weights.

    Attributes:
        name: no other one has it.
        model: on the CPU, in evaluation mode.
        weights: the file that they come from.
        system: the published network that it is; None for one of ours.
    """

    name: str
    model: nn.Module
    weights: Path
    system: System | None = None


def find_contenders(
    scale: int, *, folders: Sequence[Path], rows: Sequence[str] = (), own: Sequence[str] = ()
) -> tuple[Contender, ...]:
    """The models of the package, the published networks whose weights are in the folders, and further ones.

    Args:
        scale: 2, 3 or 4.
        folders: with weights of published networks.
        rows: only these of the package's and the published ones, by name.
        own: weights files, run folders or names, which take part in any case.

    Raises:
        HnasError: an unknown name, one without weights, weights of another scale or that cannot be read, or no
            network at all.
    """
    bundled = {
        name: path for name, path in bundled_models().items() if read_weights(path).description.get("scale") == scale
    }
    systems = {system.name: system for system in published_systems(scale)}
    names = {name.lower(): name for name in (*bundled, *systems)}
    names |= {system.slug: system.name for system in systems.values()}
    if unknown := [name for name in rows if name.lower() not in names]:
        raise HnasError(f"unknown row {unknown[0]!r}; allowed at x{scale} are {', '.join((*bundled, *systems))}")
    wanted = {names[name.lower()] for name in rows} or {*bundled, *systems}
    found = [Contender(name, load_model(path), path) for name, path in bundled.items() if name in wanted]
    for given in own:
        found += _own(given, scale, found, taken={*bundled, *systems})
    for name, system in systems.items():
        if name not in wanted:
            continue
        path = find_weights(system, folders, scale=scale)
        if path is not None:
            found.append(Contender(name, load_system(system, path, scale=scale), path, system))
        elif rows:
            files = " or ".join(published_names(system, scale))
            raise HnasError(f"{name}: no weights at hand; name a folder that has {files} with --weights")
    if not found:
        raise HnasError(f"no network for x{scale} has weights at hand; name a folder with --weights, or a --model")
    return tuple(found)


def _own(given: str, scale: int, found: Sequence[Contender], taken: set[str]) -> list[Contender]:
    """The model that a person named, in a list; empty where it takes part already."""
    path = locate_weights(given)
    if any(path.resolve() == other.weights.resolve() for other in found):
        return []
    model = load_model(path)
    if model_scale(model) != scale:
        raise HnasError(f"{given} enlarges {model_scale(model)} times; this table is of --scale {scale}")
    name = path.resolve().parent.name if path.name == WEIGHTS else path.stem
    named_itself = path == bundled_models().get(name)
    if not named_itself and (name in taken or any(name == other.name for other in found)):
        name = str(path)
    return [Contender(name, model, path)]


def load_system(system: System, path: Path, *, scale: int = SCALE) -> nn.Module:
    """A published network with the weights of a file of this project or of its authors.

    Raises:
        HnasError: the file cannot be read, or holds the weights of another network.
    """
    if path.suffix == ".safetensors":
        return load_model(path, expect=system.description(scale))
    assert system.architecture is not None  # published files are those of peers
    return published_model(path, architecture=system.architecture, scale=scale)
