"""Families with made figures: as candidates alone, and as files of tiny chains with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from hnas.deploy.design.family import Candidate
from hnas.deploy.export.card import CARD_FORMAT
from hnas.deploy.export.shipping import write_halved
from hnas.nets import model_cost
from hnas.nets.chain import ChainNetwork
from hnas.space.chain import ChainGenotype
from hnas.weights import save_model


def candidate(name: str, psnr: float, *, macs: int = 10**9, params: int = 1000, width: int = 16) -> Candidate:
    """A network that is no file."""
    return Candidate(name, 2, width, 4, macs, params, psnr, "Kodak24", {"Set5": psnr + 4}, Path(f"{name}.safetensors"))


def write_family(folder: Path, shapes: dict[tuple[int, int], float]) -> None:
    """Weights, graph and card of a chain for each (channels, blocks), with this PSNR on Kodak24."""
    folder.mkdir(parents=True, exist_ok=True)
    for (width, depth), psnr in shapes.items():
        torch.manual_seed(0)
        network = ChainNetwork(ChainGenotype(width, ("conv_3x3",) * depth, "luma", depth), 2)
        name = f"chain-{width}x{depth}"
        provenance = {"val": {"folder": "Kodak24", "pictures": 24}, "val_psnr": psnr, "licence": "CC0-1.0", "seed": 0}
        trained = folder / "trained"
        save_model(trained, network, provenance)
        write_halved(trained, folder / f"{name}.safetensors", folder / f"{name}.onnx")
        trained.unlink()
        cost = model_cost(network)
        card = {
            "format": CARD_FORMAT,
            "name": name,
            "scale": 2,
            "description": network.description,
            "provenance": provenance,
            "macs": cost.macs,
            "params": cost.params,
            "results": {"Set5": {"psnr": psnr + 4, "ssim": 0.95}},
        }
        (folder / f"{name}.json").write_text(json.dumps(card), encoding="utf-8")
