"""The shared weights of a search and their training (Algorithm 1, lines 3-7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from hnas.data.patches import PatchSampler
from hnas.errors import HnasError
from hnas.nets import SharedWeights, family_of, to_channels_last
from hnas.searching.settings import SearchSettings
from hnas.space import Genotype
from hnas.training.ema import Ema
from hnas.training.losses import LOSSES
from hnas.training.optimizers import build_optimizer
from hnas.training.settings import scheduled


class SharedTraining:
    """Shared weights, their optimiser and their running average.

    Args:
        settings: of the search.
        patches: that they are trained on.
        fabric: the devices, launched.

    Attributes:
        supernet: the module.
        patches: as given.
    """

    def __init__(self, settings: SearchSettings, patches: PatchSampler, fabric: Fabric) -> None:
        self.patches, self._settings, self._fabric = patches, settings, fabric
        self.supernet = build_supernet(settings).to(fabric.device)
        groups = self.shared.groups()
        self._optimizer = build_optimizer(settings.optimizer, [{"params": group} for group, _ in groups], settings.lr)
        self._rates = [rate for _, rate in groups]
        self._ema = Ema(self.supernet, settings.ema) if settings.ema else None

    @property
    def shared(self) -> SharedWeights:
        """The shared weights as they are trained."""
        return cast(SharedWeights, self.supernet)

    @property
    def judging(self) -> SharedWeights:
        """The shared weights that score genotypes: their running average where there is one."""
        return cast(SharedWeights, self._ema.model if self._ema else self.supernet)

    @property
    def lr(self) -> float:
        """The learning rate of the last update."""
        return float(self._optimizer.param_groups[0]["lr"]) / self._rates[0]

    def update(self, step: int, genotypes: Sequence[Genotype], *, steps: int) -> Tensor:
        """One update on the W pictures; each genotype sees its own share of the batch.

        Args:
            step: its number, from 0.
            genotypes: of this process.
            steps: updates in all, for the learning rate.

        Returns:
            The loss, on the device.
        """
        settings, rank = self._settings, self._fabric.global_rank
        lr, hr = map(self.shared.seen, self.patches.batch(step, rank, device=self._fabric.device))
        loss_of = LOSSES[settings.loss]
        count = len(genotypes)
        total = torch.zeros((), device=self._fabric.device)
        for genotype, few_lr, few_hr in zip(genotypes, lr.chunk(count), hr.chunk(count), strict=True):
            with self._fabric.autocast():
                pictures = self.shared.pictures(few_lr, genotype)
                loss = torch.stack([loss_of(picture, few_hr) for picture in pictures]).mean() / count
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        parameters = list(self.supernet.parameters())
        average_gradients(parameters, self._fabric)
        if settings.grad_clip:
            nn.utils.clip_grad_norm_(parameters, settings.grad_clip)
        rate = scheduled(settings.schedule, settings.lr, settings.lr_end, step=step, steps=steps)
        for group, factor in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self._optimizer.step()
        # None, not zero: the optimiser leaves operations alone that no genotype of this step used.
        self._optimizer.zero_grad(set_to_none=True)
        if self._ema:
            self._ema.update(self.supernet, step)
        return total

    def refuse_broken(self, step: int) -> None:
        """Raises :class:`HnasError` where a weight is not finite after round ``step``."""
        if not all(bool(parameter.isfinite().all()) for parameter in self.supernet.parameters()):
            raise HnasError(
                f"a shared weight is not finite after round {step}, so the search stopped; the last good state is "
                "kept; lower lr or set grad_clip, and start anew with --overwrite"
            )

    def state_dict(self) -> dict[str, Any]:
        """Everything that :meth:`load_state_dict` needs to go on bit by bit as if nothing had happened."""
        return {
            "supernet": self.supernet.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "ema": self._ema.model.state_dict() if self._ema else None,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self.supernet.load_state_dict(state["supernet"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._ema:
            self._ema.model.load_state_dict(state["ema"])


def build_supernet(settings: SearchSettings) -> nn.Module:
    """The supernet, its weights drawn from the seed, so that every process starts from the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        supernet = family_of(settings.space, settings).supernet(settings.search_space)
    to_channels_last(supernet)
    return supernet


def average_gradients(parameters: Sequence[nn.Parameter], fabric: Fabric) -> None:
    """Averages gradients over the processes; each has run other genotypes, so each has other gradients missing.

    What no process has used keeps no gradient.
    """
    if fabric.world_size == 1:
        return
    device = fabric.device
    used = torch.tensor([float(parameter.grad is not None) for parameter in parameters], device=device)
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), used])
    mean = fabric.all_reduce(flat, reduce_op="mean")
    assert isinstance(mean, Tensor)
    *parts, used = torch.split(mean, [*(parameter.numel() for parameter in parameters), len(parameters)])
    for parameter, part, share in zip(parameters, parts, used.tolist(), strict=True):
        parameter.grad = part.view_as(parameter).clone() if share else None
