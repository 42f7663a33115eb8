"""From a genotype or a peer's name to a weights file: what ``hnas train`` and ``hnas.train`` do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hnas import __version__
from hnas.data.degradations import as_degraded, degraded_copies, read_degradation
from hnas.data.folders import Pair, load_pairs, summary
from hnas.data.patches import PatchSampler
from hnas.data.resized import with_resized
from hnas.data.same_pictures import listing
from hnas.errors import HnasError
from hnas.evaluation.benchmark import evaluate_model
from hnas.nets import FAMILIES, NetworkOptions, build_model, device_description, network_of
from hnas.nets.peers import PEERS, describe_peer
from hnas.run_files import CONFIG, GENOTYPE, WEIGHTS
from hnas.settings import load_settings, read_config
from hnas.space import Genotype, load_genotype
from hnas.space.options import flag, options_in
from hnas.training.devices import on_first_process, start_fabric
from hnas.training.loop import StepProgress, TrainingResult, Validation, train
from hnas.training.precision import computes_in, remembered_precision
from hnas.training.run_folder import RunFolder, open_run
from hnas.training.settings import DeviceSettings, TrainingSettings
from hnas.training.teacher import taught, teacher_provenance
from hnas.values import number, whole_number
from hnas.weights import read_weights, save_model

#: What says how a piece of a training runs, and not what the training gives.
OF_THE_PIECE = ("max_minutes", "graph")
#: What says which network it is; a run's is compared whole.
OF_THE_NETWORK = tuple(field.name for field in fields(NetworkOptions))
#: A training may move to another kind of device; how many processes share the work must stay.
MAY_DIFFER = ("accelerator", "devices", "num_nodes", "precision", *OF_THE_PIECE, *OF_THE_NETWORK)


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """All that decides what a training gives.

    Attributes:
        model: a genotype's name (HNAS-A), JSON file or run folder, or the name of a peer (carn-m).
        data: folders with pictures to train on; LR pictures are made where a folder has none.
        lr_data: for every one of these a folder of its small pictures, whose names or order fit
            (:func:`hnas.data.folders.with_small`); empty where the folders have them, or they are made.
        val: a folder with pictures that choose the weights that are kept; without one, the last are kept. It must hold
            none of the pictures that the network is measured on later.
        val_lr_data: the small pictures of ``val``, likewise.
        licence: of the training pictures, noted in the weights file.
        warm_start: a weights file to begin with: every tensor whose name and shape fit is taken from it.
        network: what was chosen about the network; see there for what each has.
        settings: the recipe.
        device: where to compute.

    Raises:
        HnasError: folders of small pictures that do not go with the rest.
    """

    model: str
    data: tuple[Path, ...]
    lr_data: tuple[Path, ...] = ()
    val: Path | None = None
    val_lr_data: Path | None = None
    licence: str = ""
    warm_start: Path | None = None
    network: NetworkOptions = field(default_factory=NetworkOptions)
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    device: DeviceSettings = field(default_factory=DeviceSettings)

    def __post_init__(self) -> None:
        if self.lr_data and len(self.lr_data) != len(self.data):
            raise HnasError(
                f"--lr-data is given {len(self.lr_data)} times and --data {len(self.data)} times; every folder of "
                "large pictures needs one of small ones"
            )
        if self.lr_data and (self.settings.shrunk or self.settings.enlarged):
            raise HnasError("--shrunk and --enlarged make small pictures by themselves; they do not go with --lr-data")
        if self.val_lr_data and not self.val:
            raise HnasError(f"--val-lr-data {self.val_lr_data} has the small pictures of --val, which is not given")

    def network_settings(self) -> Any:
        """The settings of the model's architecture, defaults where nothing was chosen.

        Raises:
            HnasError: an unknown model, or something was chosen that it does not have.
        """
        return self.network.settings(settings_class(self.model), of=self.model)

    def config(self) -> dict[str, Any]:
        """As plain values by the names that the command line has: a run folder's config.yaml."""
        return {
            "command": "train",
            "model": self.model,
            "data": [str(folder) for folder in self.data],
            **({"lr_data": [str(folder) for folder in self.lr_data]} if self.lr_data else {}),
            "val": str(self.val) if self.val else None,
            "val_lr_data": str(self.val_lr_data) if self.val_lr_data else None,
            "licence": self.licence,
            "warm_start": str(self.warm_start) if self.warm_start else None,
            **asdict(self.network_settings()),
            **asdict(self.settings),
            **asdict(self.device),
        }


def train_network(
    job: TrainingJob,
    run_dir: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: StepProgress | None = None,
    then: str = "",
) -> TrainingResult:
    """Trains one network and writes ``weights.safetensors`` into its run folder, unless time ended it before.

    Seeds torch's global generator, which the initial weights are drawn from.

    Args:
        job: what to train, and how.
        run_dir: see :class:`hnas.training.run_folder.RunFolder`.
        resume: go on after a stop.
        overwrite: take an earlier run in the folder away.
        progress: called after every step.
        then: see :func:`hnas.training.run_folder.open_run`; the result is the one on record where only this is missing.

    Raises:
        HnasError: see :func:`hnas.training.run_folder.open_run` and :func:`hnas.training.loop.train`; pictures that
            cannot be read or are smaller than a patch; an unknown model.
    """
    settings = job.settings
    description = model_description(job.model, job.network)
    scale = description["scale"]
    initial = read_weights(job.warm_start).tensors if job.warm_start else None
    _refuse_nothing_to_restore(job, scale)
    small = job.lr_data or (None,) * len(job.data)
    folders = [load_pairs(folder, scale, lr=lr) for folder, lr in zip(job.data, small, strict=True)]
    pairs = [pair for folder in folders for pair in folder]
    pairs = with_resized(pairs, (*settings.shrunk, *settings.enlarged), scale=scale, patch=settings.patch)
    fabric = start_fabric(job.device)
    learnt = taught(pairs, settings.teacher, scale=scale, device=fabric.device) if settings.teacher else []
    steps, copies = read_degradation(settings.degradation), settings.degraded_copies
    if steps:
        pairs += degraded_copies(pairs, steps, copies, seed=settings.seed)
        learnt *= 1 + copies
    sampler = PatchSampler(
        pairs,
        scale=scale,
        patch=settings.patch,
        batch=settings.batch,
        seed=settings.seed,
        taught=learnt,
        teacher_weight=settings.teacher_weight,
    )
    val_pairs = load_pairs(job.val, scale, lr=job.val_lr_data) if job.val else []
    measured = as_degraded(val_pairs, settings.degradation, seed=settings.seed)
    torch.manual_seed(settings.seed)
    model = build_model(description)
    start: dict[str, Any] = {"phase": "start", "step": 0, "pictures": len(pairs)}
    if initial is not None:
        taken = copy_fitting(model, initial, where=str(job.warm_start))
        start |= {"warm_start": str(job.warm_start), "tensors_taken": taken, "tensors": len(model.state_dict())}

    def open_folder() -> RunFolder:
        if resume:
            refuse_other_model(Path(run_dir), description)
        run = open_run(
            run_dir, job.config(), result=WEIGHTS, resume=resume, overwrite=overwrite, may_differ=MAY_DIFFER, then=then
        )
        if "genotype" in description:
            run.write_json(GENOTYPE, description["genotype"])
        return run

    run = on_first_process(fabric, open_folder)
    if recorded := on_first_process(fabric, lambda: _recorded(run) if run.finished else None):
        return recorded
    result = train(
        model,
        sampler,
        settings,
        run,
        validation=_validation(measured, scale, fabric.device) if measured else None,
        fabric=fabric,
        resume=resume,
        progress=progress,
        start=start,
        pictures={
            "the training": listing(pair for of in folders for pair in of),
            "the validation": listing(val_pairs),
        },
    )
    if not result.finished:
        return result
    # The model's description has the options of its network, and "data" the folders of small pictures.
    left_out = {*OF_THE_PIECE, *OF_THE_NETWORK, "lr_data", "val_lr_data"}
    provenance = {
        **{name: value for name, value in job.config().items() if name not in left_out},
        "data": [
            {"folder": folder.name, **summary(pictures, lr=lr)}
            for folder, pictures, lr in zip(job.data, folders, small, strict=True)
        ],
        "val": _validation_provenance(job, val_pairs) if job.val else None,
        "warm_start": "/".join(job.warm_start.parts[-2:]) if job.warm_start else None,
        "teacher": teacher_provenance(settings.teacher, settings.teacher_weight) if settings.teacher else None,
        "device": device_description(fabric.device),
        "devices": fabric.world_size,
        "num_nodes": None,
        "precision": remembered_precision(run) or computes_in(fabric),
        "kept_step": result.step,
        "val_psnr": result.psnr,
        "seconds": round(result.seconds),
        "hnas": __version__,
        "torch": str(torch.__version__),
    }
    on_first_process(fabric, lambda: save_model(run.path / WEIGHTS, model, provenance))
    return result


def _refuse_nothing_to_restore(job: TrainingJob, scale: int) -> None:
    """Raises :class:`HnasError` where small and large pictures would be the same."""
    given = job.settings.degradation or job.lr_data
    if scale == 1 and not given:
        raise HnasError(
            "at scale 1 a network restores pictures: say what is wrong with them, such as --degradation jpeg:30-95, "
            "or give a folder of them with --lr-data"
        )
    if scale == 1 and job.val and not (job.settings.degradation or job.val_lr_data):
        raise HnasError(f"--val {job.val} is to be restored at scale 1; give its small pictures with --val-lr-data")


def _validation_provenance(job: TrainingJob, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Which pictures val_psnr is of; where there is a degradation, of one degraded copy of each."""
    assert job.val is not None
    found = {"folder": job.val.name, **summary(pairs, lr=job.val_lr_data)}
    return {**found, "degradation": job.settings.degradation} if job.settings.degradation else found


def _recorded(run: RunFolder) -> TrainingResult:
    """The result of a training that is finished, as its files tell it."""
    said = read_weights(run.path).provenance
    losses = [line["loss"] for line in run.lines() if line.get("phase") == "train" and "loss" in line]
    return TrainingResult(
        step=whole_number("kept_step", said.get("kept_step")),
        psnr=None if said.get("val_psnr") is None else number("val_psnr", said["val_psnr"]),
        loss=number("loss", losses[-1] if losses else None),
        seconds=number("seconds", said.get("seconds")),
    )


def refuse_other_model(run_dir: Path, description: Mapping[str, Any]) -> None:
    """Compares a run's network with a description: a genotype's file may have changed under its name.

    Raises:
        HnasError: it is another one.
    """
    path = run_dir / GENOTYPE
    if path.exists() and load_genotype(path).to_dict() != description.get("genotype"):
        raise HnasError(
            f"{run_dir}: this run was started with another genotype, the one in {path}; "
            "go on with that, or start anew (--overwrite, or without the folder)"
        )
    config = run_dir / CONFIG
    if not config.exists():
        return
    values = options_in(read_config(config, "train"))
    before = load_settings(NetworkOptions, values, source=str(config)).said()
    for name in OF_THE_NETWORK:
        if name in before and name in description and before[name] != description[name]:
            raise HnasError(
                f"{run_dir}: this run was started with {flag(name)} {before[name]}, not {description[name]}; "
                "go on with the same, or start anew (--overwrite, or without the folder)"
            )


def settings_class(model: str | Path) -> type[Any]:
    """The dataclass of the settings that a model's architecture has.

    Args:
        model: see :func:`model_description`.

    Raises:
        HnasError: an unknown model.
    """
    if str(model).lower() in PEERS:
        return PEERS[str(model).lower()].settings
    found: type[Any] = FAMILIES[_genotype(model).kind].settings
    return found


def model_description(model: str | Path, options: NetworkOptions) -> dict[str, Any]:
    """What :func:`hnas.nets.build_model` needs for a genotype or a peer.

    Args:
        model: a genotype's name, JSON file or run folder, or the name of a peer.
        options: what was chosen about its network.

    Raises:
        HnasError: an unknown model, or something was chosen that it does not have.
    """
    if str(model).lower() in PEERS:
        return describe_peer(str(model).lower(), options)
    with torch.device("meta"):
        built = network_of(_genotype(model), options)
    description: dict[str, Any] = built.description  # type: ignore[assignment]  # every model has it
    return description


def _genotype(model: str | Path) -> Genotype:
    path = Path(model)
    try:
        return load_genotype(path / GENOTYPE if path.is_dir() else model)
    except OSError as error:
        raise HnasError(f"{model}: {error.strerror}; give a name of a genotype, its JSON file, or a network") from error
    except HnasError as error:
        if path.exists():
            raise
        raise HnasError(f"{error}, a run's folder, or a network: {', '.join(sorted(PEERS))}") from error


def _validation(pairs: Sequence[Pair], scale: int, device: torch.device) -> Validation:
    return lambda model: evaluate_model(model, pairs, scale=scale, device=device).psnr


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
