"""Scores by shared weights."""

from __future__ import annotations

import torch
from lightning_fabric import Fabric
from torch import Tensor

from hnas.nets import SharedWeights
from hnas.searching.scoring import batch_psnr, psnr_of_each
from hnas.searching.shared_training import SharedTraining
from hnas.space import Genotype, Space, decisions

#: LR pixels that a CPU scores at once in float32: features of more leave its cache (a fifth slower at 16 patches of
#: 48 x 48). In bfloat16 they are half as large.
_PIXELS_AT_ONCE = 8 * 48 * 48


class SharedEvaluator:
    """Scores with shared weights as they are at the time of the call, or their running average where there is one.

    Attributes:
        weights: with their training.
    """

    def __init__(self, weights: SharedTraining, space: Space, fabric: Fabric) -> None:
        self.weights, self._fabric = weights, fabric
        self._decisions = decisions(space)

    @torch.no_grad()
    def __call__(self, genotype: Genotype, lr: Tensor, hr: Tensor) -> float:
        """See :class:`~hnas.searching.evaluators.protocol.Evaluator`."""
        supernet = self.weights.judging
        with self._fabric.autocast():
            sr = torch.cat([supernet(few, genotype) for few in torch.split(lr, _pictures_at_once(lr, supernet))])
        return batch_psnr(sr, hr, supernet.scale)

    def with_slopes(self, genotype: Genotype, lr: Tensor, hr: Tensor) -> tuple[float, tuple[float, ...]]:
        """See :class:`~hnas.searching.evaluators.protocol.Differentiable`."""
        supernet = self.weights.judging
        gates = torch.ones(self._decisions, device=lr.device, requires_grad=True)
        psnrs, slopes = [], torch.zeros_like(gates)
        with self._fabric.autocast():
            at_once = _pictures_at_once(lr, supernet)
            for few, true in zip(torch.split(lr, at_once), torch.split(hr, at_once), strict=True):
                each = psnr_of_each(supernet(few, genotype, gates), true, supernet.scale)
                slopes += torch.autograd.grad(each.sum() / len(lr), gates)[0]
                psnrs.append(each.detach())
        return float(torch.cat(psnrs).mean()), tuple(slopes.tolist())


def _pictures_at_once(lr: Tensor, supernet: SharedWeights) -> int:
    if lr.device.type != "cpu" or supernet.whole_batch:
        return len(lr)
    pixels = _PIXELS_AT_ONCE * (2 if torch.is_autocast_enabled("cpu") else 1)
    return max(1, pixels // (lr.shape[2] * lr.shape[3]))
