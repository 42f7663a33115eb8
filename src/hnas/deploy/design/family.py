"""The family of networks that a design chooses from: what their cards say. No torch here.

A family is a folder of shipped models (:mod:`hnas.deploy.export.card`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from hnas.bundled import BUNDLED
from hnas.deploy.export.card import card_path, graph_path, read_card, write_card
from hnas.errors import HnasError


@dataclass(frozen=True)
class Candidate:
    """A trained network as its card describes it.

    Attributes:
        name: no other one of the family has it.
        scale: by how much it enlarges.
        width: channels.
        depth: blocks.
        macs: multiply-adds at a 3x480x480 input.
        params: parameters.
        psnr: dB on Y of the validation pictures, which decides who is better.
        validation: the name of those pictures.
        results: PSNR on Y in dB of further sets, by name, single pass.
        weights: the ``.safetensors`` file; the two others lie beside it.
    """

    name: str
    scale: int
    width: int
    depth: int
    macs: int
    params: int
    psnr: float
    validation: str
    results: Mapping[str, float]
    weights: Path

    @property
    def graph(self) -> Path:
        """The ``.onnx`` file."""
        return graph_path(self.weights)

    @property
    def card(self) -> Path:
        """The ``.json`` file."""
        return card_path(self.weights)

    @property
    def shape(self) -> str:
        """Channels x blocks."""
        return f"{self.width} x {self.depth}"


def read_family(scale: int, folder: Path = BUNDLED) -> tuple[Candidate, ...]:
    """The networks of one scale that have one width and blocks in a row, fewest multiply-adds first.

    Models without a graph, of another structure, and those trained for degraded pictures are passed over.

    Args:
        scale: 2, 3 or 4.
        folder: of the family.

    Raises:
        HnasError: there is no such folder, none of this scale, a card is damaged, or they were validated on different
            pictures.
    """
    if not folder.is_dir():
        raise HnasError(f"{folder}: no such folder; name one with networks, as `hnas zoo export` writes them")
    plain = [found for path in sorted(folder.glob("*.safetensors")) if (found := _candidate(path))]
    family = sorted((one for one in plain if one.scale == scale), key=lambda one: (one.macs, one.name))
    if not family:
        scales = ", ".join(f"x{other}" for other in sorted({one.scale for one in plain}))
        raise HnasError(
            f"{folder}: no networks for x{scale} to choose from (weights, graph and card each); there are "
            f"{scales or 'none'}; `hnas zoo export` writes them"
        )
    if len(sets := sorted({one.validation for one in family})) > 1:
        raise HnasError(f"{folder}: networks were validated on {' and '.join(sets)}, which cannot be compared")
    return tuple(family)


def write_card_of(made: Candidate, of: Candidate, changes: Mapping[str, Any]) -> None:
    """Writes the card of a network that was made of another one, beside its weights and graph.

    Args:
        made: whose weights and graph are there.
        of: whose card it begins with.
        changes: in that card; the name is seen to here.

    Raises:
        HnasError: a file cannot be read.
    """
    write_card(made.weights, {**read_card(of.card), "name": made.name, "made_of": of.name, **changes})


def _candidate(weights: Path) -> Candidate | None:
    """The network of a weights file; None without its graph and card, or of another structure or purpose."""
    path = card_path(weights)
    if not path.is_file() or not graph_path(weights).is_file():
        return None
    card = read_card(path)
    try:
        genotype = card["description"].get("genotype")
        if not isinstance(genotype, Mapping) or not {"width", "blocks"} <= genotype.keys():
            return None
        provenance = card["provenance"]
        if provenance.get("degradation"):
            return None
        found = Candidate(
            name=weights.stem,
            scale=int(card["scale"]),
            width=int(genotype["width"]),
            depth=len(genotype["blocks"]),
            macs=int(card["macs"]),
            params=int(card["params"]),
            psnr=float(provenance["val_psnr"]),
            validation=str((provenance.get("val") or {}).get("folder") or "validation"),
            results={str(name): float(result["psnr"]) for name, result in card["results"].items()},
            weights=weights,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HnasError(f"{path}: the card is damaged ({type(error).__name__}: {error})") from error
    if not (isfinite(found.psnr) and found.macs > 0):
        raise HnasError(f"{path}: the card is damaged (val_psnr {found.psnr}, macs {found.macs})")
    return found
