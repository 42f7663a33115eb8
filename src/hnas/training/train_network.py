"""From a genotype or a peer's name to a weights file: what ``hnas train`` and ``hnas.train`` do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hnas import __version__
from hnas.data.folders import Pair, load_pairs
from hnas.data.patches import PatchSampler
from hnas.errors import HnasError
from hnas.evaluation.benchmark import evaluate_model
from hnas.nets import FORMAT, Network, NetworkSettings, build_model
from hnas.nets.peers import PEERS
from hnas.space import load_genotype
from hnas.training.devices import on_first_process, start_fabric
from hnas.training.loop import Progress, TrainingResult, Validation, train
from hnas.training.run_folder import RunFolder, open_run
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.weights import read_weights, save_model

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """The pictures of a training.

    Attributes:
        data: folders with pictures to train on; LR pictures are made where a folder has none.
        val: a folder with pictures that choose the weights that are kept; without one, the last are kept. It must hold
            none of the pictures that the network is measured on later.
        licence: of the training pictures, noted in the weights file.
    """

    data: tuple[Path, ...]
    val: Path | None = None
    licence: str = ""


def train_network(
    model: str | Path,
    *,
    data: TrainingData,
    run_dir: str | Path,
    network: NetworkSettings | None = None,
    settings: TrainingSettings | None = None,
    device: DeviceSettings | None = None,
    warm_start: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> TrainingResult:
    """Trains one network from scratch and writes ``weights.safetensors`` into its run folder.

    Seeds torch's global generator, which the initial weights are drawn from.

    Args:
        model: a genotype's name (HNAS-A), JSON file or run folder, or the name of a peer (carn-m).
        data: what to train and validate on.
        run_dir: see :class:`hnas.training.run_folder.RunFolder`.
        network: width, scale and skips; a peer takes the scale only.
        settings: the recipe.
        device: where to compute.
        warm_start: a weights file to begin with: every tensor whose name and shape fit is taken from it.
        resume: go on after a stop.
        overwrite: take an earlier run in the folder away.
        progress: called after every step.

    Raises:
        HnasError: see :func:`hnas.training.run_folder.open_run` and :func:`hnas.training.loop.train`; pictures that
            cannot be read or are smaller than a patch; an unknown model.
    """
    network = network or NetworkSettings()
    settings = settings or TrainingSettings()
    device = device or DeviceSettings()
    description = model_description(model, network)
    initial = read_weights(warm_start).tensors if warm_start else None
    folders = {folder: load_pairs(folder, network.scale) for folder in data.data}
    pairs = [pair for folder in folders.values() for pair in folder]
    sampler = PatchSampler(pairs, scale=network.scale, patch=settings.patch, batch=settings.batch, seed=settings.seed)
    val_pairs = load_pairs(data.val, network.scale) if data.val else []
    torch.manual_seed(settings.seed)
    built = build_model(description)
    start: dict[str, Any] = {"phase": "start", "step": 0, "pictures": len(pairs)}
    if initial is not None:
        taken = copy_fitting(built, initial, where=str(warm_start))
        start |= {"warm_start": str(warm_start), "tensors_taken": taken, "tensors": len(built.state_dict())}

    fabric = start_fabric(device)
    plain = {
        "model": str(model),
        "data": [str(folder) for folder in data.data],
        "val": str(data.val) if data.val else None,
        "licence": data.licence,
        "warm_start": str(warm_start) if warm_start else None,
        **(asdict(network) if "genotype" in description else {"scale": network.scale}),
        **asdict(settings),
    }

    def open_folder() -> RunFolder:
        config = {"command": "train", **plain, **asdict(device)}
        # A training may move to another kind of device; how many processes share the work must stay.
        may_differ = ("accelerator", "precision")
        run = open_run(run_dir, config, result=WEIGHTS, resume=resume, overwrite=overwrite, may_differ=may_differ)
        if "genotype" in description:
            run.write_json("genotype.json", description["genotype"])
        return run

    run = on_first_process(fabric, open_folder)
    result = train(
        built,
        sampler,
        settings,
        run,
        validation=_validation(val_pairs, network.scale, fabric.device) if val_pairs else None,
        fabric=fabric,
        resume=resume,
        progress=progress,
        start=start,
    )
    provenance = {
        **plain,
        "data": [_summary(folder, pictures) for folder, pictures in folders.items()],
        "val": _summary(data.val, val_pairs) if data.val else None,
        "warm_start": Path(warm_start).name if warm_start else None,
        "devices": fabric.world_size,
        "precision": device.precision,
        "kept_step": result.step,
        "val_psnr": result.psnr,
        "seconds": round(result.seconds),
        "hnas": __version__,
        "torch": str(torch.__version__),
    }
    on_first_process(fabric, lambda: save_model(run.path / WEIGHTS, built, provenance))
    return result


def model_description(model: str | Path, network: NetworkSettings) -> dict[str, Any]:
    """What :func:`hnas.nets.build_model` needs for a genotype or a peer.

    Args:
        model: a genotype's name, JSON file or run folder, or the name of a peer.
        network: width, scale and skips of a genotype's network; a peer takes the scale only.

    Raises:
        HnasError: an unknown model, or settings that a peer does not have.
    """
    if str(model).lower() in PEERS:
        if replace(network, scale=2) != NetworkSettings():
            raise HnasError(f"{model}: a peer has a width and skips of its own; leave all but --scale out")
        return {"format": FORMAT, "architecture": str(model).lower(), "scale": network.scale}
    path = Path(model)
    return Network(load_genotype(path / "genotype.json" if path.is_dir() else model), network).description


def _validation(pairs: Sequence[Pair], scale: int, device: torch.device) -> Validation:
    return lambda model: evaluate_model(model, pairs, scale=scale, device=device).psnr


def _summary(folder: Path, pairs: Sequence[Pair]) -> dict[str, Any]:
    """What was seen, without the paths of this machine: enough to tell whether another folder is the same."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(np.ascontiguousarray(pair.hr).data)
    return {"folder": folder.name, "pictures": len(pairs), "sha256": digest.hexdigest()}


def copy_fitting(model: nn.Module, tensors: Mapping[str, Tensor], *, where: str) -> int:
    """Starts a network from another's weights, such as x4 from x2: takes each tensor whose name and shape fit.

    Args:
        model: changed in place.
        tensors: a state dict.
        where: the file they come from, for messages.

    Returns:
        How many tensors were taken.

    Raises:
        HnasError: none fits.
    """
    own = model.state_dict()
    fitting = {name: value for name, value in tensors.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise HnasError(f"{where}: none of its {len(tensors)} tensors fits this network; start without it")
    model.load_state_dict({**own, **fitting})
    return len(fitting)
