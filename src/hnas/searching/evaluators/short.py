"""Scores by training a genotype alone for a short while."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.data.patches import PatchSampler
from hnas.nets import family_of, seen_by, to_channels_last
from hnas.searching.evaluators.tabulated import Table, TabulatedEvaluator
from hnas.searching.scoring import batch_psnr
from hnas.searching.settings import SearchSettings
from hnas.space import Genotype
from hnas.training.settings import TrainingSettings, learning_rate


def short_evaluator(
    settings: SearchSettings,
    patches: PatchSampler,
    pictures: Sequence[tuple[Tensor, Tensor]],
    fabric: Fabric,
    *,
    table: Table | None = None,
) -> TabulatedEvaluator:
    """Trains each genotype alone, once, and keeps its scores, not its network.

    Args:
        settings: of the search.
        patches: that all are trained on.
        pictures: all that scores will be asked on (LR and HR).
        fabric: the device.
        table: where the scores are kept; in memory by default.
    """
    score = partial(score_shortly, settings=settings, patches=patches, pictures=pictures, fabric=fabric)
    return TabulatedEvaluator(score, pictures, {} if table is None else table)


def score_shortly(
    genotype: Genotype,
    *,
    settings: SearchSettings,
    patches: PatchSampler,
    pictures: Sequence[tuple[Tensor, Tensor]],
    fabric: Fabric,
) -> list[float]:
    """PSNR in dB on each of these pictures (LR and HR) of a network that is trained for it and then gone."""
    network = train_shortly(genotype, settings, patches, fabric)
    scores = []
    for lr, hr in pictures:
        with torch.no_grad(), fabric.autocast():
            sr = network(lr)
        scores.append(batch_psnr(sr, hr, settings.scale))
    return scores


def train_shortly(genotype: Genotype, settings: SearchSettings, patches: PatchSampler, fabric: Fabric) -> nn.Module:
    """A network of the genotype after ``short_steps`` steps of Adam on L1, rate rising then falling (one cycle).

    Every genotype starts from the same seed and sees the same patches.
    """
    recipe = TrainingSettings(steps=settings.short_steps, lr=settings.short_lr, schedule="one-cycle")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = to_channels_last(family_of(settings.space, settings).network(genotype)).to(fabric.device)
    seen = seen_by(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.lr, fused=True)
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        lr, hr = patches.batch(step, device=fabric.device)
        with fabric.autocast():
            loss = F.l1_loss(network(seen(lr)), seen(hr))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if settings.grad_clip:
            nn.utils.clip_grad_norm_(network.parameters(), settings.grad_clip)
        optimizer.step()
    return network.eval()
