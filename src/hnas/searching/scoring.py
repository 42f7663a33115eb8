"""How good a genotype is on given pictures: with the shared weights, or trained alone for a short while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from hnas.brightness import VIDEO
from hnas.data.folders import Pair
from hnas.data.patches import PatchSampler
from hnas.data.tensors import as_floats
from hnas.errors import HnasError
from hnas.nets import SharedWeights, family_of, seen_by, to_channels_last
from hnas.nets.common import enlarge_image
from hnas.searching.settings import SearchSettings
from hnas.space import Genotype
from hnas.training.settings import TrainingSettings, learning_rate

#: A genotype and pictures (LR and HR, N x 3 x H x W, RGB in [0, 1]) to its PSNR in dB.
Scorer = Callable[[Genotype, Tensor, Tensor], float]

#: What rounding to 8 bits adds to the squared error: without it a flat patch scores an infinite PSNR.
_ROUNDING_ERROR = 1.0 / 12.0
#: LR pixels that a CPU scores at once in float32: features of more leave its cache (a fifth slower at 16 patches of
#: 48 x 48). In bfloat16 they are half as large.
_PIXELS_AT_ONCE = 8 * 48 * 48


def batch_psnr(sr: Tensor, hr: Tensor, border: int) -> float:
    """PSNR on Y in dB, averaged over the pictures of a batch.

    Args:
        sr: what the network made, N x 3 x H x W, clamped to [0, 1] here; not rounded, but the error of rounding counts.
        hr: the true pictures, the same shape.
        border: pixels left out on every side (the scale, as the field does).
    """
    weights = torch.tensor(VIDEO, device=hr.device).view(1, 3, 1, 1)
    difference = ((sr.float().clamp(0.0, 1.0) - hr.float()) * weights).sum(1)[:, border:-border, border:-border]
    error = difference.square().mean((1, 2)) + _ROUNDING_ERROR
    return float((10.0 * torch.log10(255.0**2 / error)).mean())


def bicubic_psnr(lr: Tensor, hr: Tensor) -> float:
    """The PSNR of bicubic interpolation: what a network that has learnt nothing gives with a bicubic skip."""
    scale = hr.shape[-1] // lr.shape[-1]
    return batch_psnr(enlarge_image(lr, scale, "bicubic"), hr, scale)


def shared_scorer(supernet: SharedWeights, fabric: Fabric) -> Scorer:
    """Scores with the shared weights as they are at the time of the call; leaves no trace."""

    @torch.no_grad()
    def score(genotype: Genotype, lr: Tensor, hr: Tensor) -> float:
        with fabric.autocast():
            sr = torch.cat([supernet(few, genotype) for few in torch.split(lr, _pictures_at_once(lr, supernet))])
        return batch_psnr(sr, hr, supernet.scale)

    return score


def _pictures_at_once(lr: Tensor, supernet: SharedWeights) -> int:
    if lr.device.type != "cpu" or supernet.whole_batch:
        return len(lr)
    pixels = _PIXELS_AT_ONCE * (2 if torch.is_autocast_enabled("cpu") else 1)
    return max(1, pixels // (lr.shape[2] * lr.shape[3]))


def short_scorer(settings: SearchSettings, sampler: PatchSampler, fabric: Fabric) -> Scorer:
    """Scores by training the genotype alone, from the same start and on the same patches as every other."""
    trained: dict[Genotype, nn.Module] = {}

    def score(genotype: Genotype, lr: Tensor, hr: Tensor) -> float:
        if genotype not in trained:
            trained[genotype] = train_shortly(genotype, settings, sampler, fabric)
        with torch.no_grad(), fabric.autocast():
            sr = trained[genotype](lr)
        return batch_psnr(sr, hr, settings.scale)

    return score


def train_shortly(genotype: Genotype, settings: SearchSettings, sampler: PatchSampler, fabric: Fabric) -> nn.Module:
    """A network of the genotype after ``short_steps`` steps of Adam on L1, rate rising then falling (one cycle)."""
    recipe = TrainingSettings(steps=settings.short_steps, lr=settings.short_lr, schedule="one-cycle")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = to_channels_last(family_of(settings.space, settings).network(genotype)).to(fabric.device)
    seen = seen_by(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.lr, fused=True)
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        lr, hr = sampler.batch(step, device=fabric.device)
        with fabric.autocast():
            loss = F.l1_loss(network(seen(lr)), seen(hr))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if settings.grad_clip:
            nn.utils.clip_grad_norm_(network.parameters(), settings.grad_clip)
        optimizer.step()
    return network.eval()


def middle_crops(
    pairs: Sequence[Pair], *, patch: int, limit: int = 0, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """The middle ``patch`` x ``patch`` LR pixels of every picture, with their HR: the fixed pictures of a derivation.

    Args:
        pairs: validation pictures.
        patch: side of the LR crop; 0 is the longest that every picture has.
        limit: at most this many pictures, evenly spread over the set; 0 takes all.

    Returns:
        LR and HR, float32 N x 3 x H x W in [0, 1].

    Raises:
        HnasError: no pictures, or one that is smaller than the crop.
    """
    if not pairs:
        raise HnasError("there are no validation pictures")
    pairs = evenly(pairs, limit)
    patch = patch or min(side for pair in pairs for side in pair.lr.shape[:2])
    low, high = [], []
    for pair in pairs:
        height, width = pair.lr.shape[:2]
        if min(height, width) < patch:
            raise HnasError(
                f"{pair.name}: {width}x{height} LR pixels are smaller than derive_patch, which is {patch}; "
                f"take the picture out or set derive_patch to at most {min(height, width)}"
            )
        scale = pair.hr.shape[0] // height
        top, left = (height - patch) // 2, (width - patch) // 2
        low.append(pair.lr[top : top + patch, left : left + patch])
        high.append(pair.hr[scale * top : scale * (top + patch), scale * left : scale * (left + patch)])
    return as_floats(np.stack(low), device), as_floats(np.stack(high), device)


def whole_pictures(pairs: Sequence[Pair], *, limit: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """LR and HR of one picture at a time, float32 1 x 3 x H x W in [0, 1]; ``limit`` as for :func:`middle_crops`."""
    for pair in evenly(pairs, limit):
        yield as_floats(pair.lr[None]), as_floats(pair.hr[None])


def evenly(pairs: Sequence[Pair], limit: int) -> Sequence[Pair]:
    """At most so many pictures, evenly spread over the set; 0 takes all."""
    if 0 < limit < len(pairs):
        return [pairs[index * len(pairs) // limit] for index in range(limit)]
    return pairs
