"""The pictures of a search: what trains, what scores genotypes, what chooses one in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hnas.data.degradations import as_degraded
from hnas.data.folders import Pair
from hnas.data.patches import PatchSampler
from hnas.data.resized import with_resized
from hnas.data.tensors import as_floats
from hnas.errors import HnasError
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import Splits
from hnas.training.teacher import taught


@dataclass(frozen=True)
class SearchPictures:
    """What genotypes are scored on.

    Attributes:
        splits: all pictures.
        scoring: patches that genotypes are scored on while the search goes on.
        validation: LR and HR, N x 3 x H x W: what every derivation scores on.
    """

    splits: Splits
    scoring: PatchSampler
    validation: tuple[Tensor, Tensor]


def search_pictures(settings: SearchSettings, splits: Splits, device: torch.device | str = "cpu") -> SearchPictures:
    """What the genotypes of a search are scored on.

    Raises:
        HnasError: a picture is too small.
    """
    scoring = PatchSampler(
        splits.controller,
        scale=settings.scale,
        patch=settings.patch,
        batch=settings.score_batch or settings.batch,
        seed=settings.seed + 1,
    )
    validation = middle_crops(
        splits.validation, patch=settings.derive_patch, limit=settings.derive_pictures, device=device
    )
    return SearchPictures(splits, scoring, validation)


def training_patches(settings: SearchSettings, splits: Splits) -> PatchSampler:
    """What shared weights, or genotypes alone, are trained on: also smaller copies and a teacher's pictures, if asked.

    Raises:
        HnasError: a picture is too small, or the teacher is none of this scale.
    """
    pairs = with_resized(splits.shared, settings.shrunk, scale=settings.scale, patch=settings.patch)
    whole, copies = pairs[: len(splits.shared)], pairs[len(splits.shared) :]
    pairs = [*whole, *as_degraded(copies, settings.degradation, seed=settings.seed)]
    return PatchSampler(
        pairs,
        scale=settings.scale,
        patch=settings.patch,
        batch=settings.batch,
        seed=settings.seed,
        taught=taught(pairs, settings.teacher, scale=settings.scale) if settings.teacher else (),
        teacher_weight=settings.teacher_weight,
    )


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
