"""Random aligned patches: which ones is a function of the seed, the step and the process, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import torch

from hnas.data.folders import Pair
from hnas.errors import HnasError


class PatchSampler:
    """Cuts batches of LR and HR patches out of pictures that stay in memory as uint8.

    Nothing is remembered between batches, so a training that goes on after a stop needs only its step number.

    Args:
        pairs: the pictures; each HR is ``scale`` times as high and wide as its LR.
        scale: enlargement, 2, 3 or 4.
        patch: side of an LR patch in pixels; the HR patch has ``scale * patch``.
        batch: patches per batch and process.
        seed: chooses pictures, places, flips and turns.
        taught: the same pictures with a teacher's in place of the true HR (:func:`hnas.training.teacher.taught`).
        teacher_weight: part of the patches that have their HR from those, drawn for each patch.
        augment: whether patches are mirrored and turned by multiples of 90 degrees (8 variants, equally likely).

    Raises:
        HnasError: no pictures, a picture smaller than a patch, or an LR and HR whose sizes do not fit.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        *,
        scale: int,
        patch: int,
        batch: int,
        seed: int,
        taught: Sequence[Pair] = (),
        teacher_weight: float = 1.0,
        augment: bool = True,
    ) -> None:
        if not pairs:
            raise HnasError("there are no pictures to cut patches from")
        if patch < 1 or batch < 1 or scale < 1 or seed < 0:
            raise HnasError(
                f"patch {patch}, batch {batch} and scale {scale} must be at least 1, seed {seed} at least 0"
            )
        for pair in pairs:
            height, width = pair.lr.shape[:2]
            if pair.hr.shape[:2] != (height * scale, width * scale):
                raise HnasError(f"{pair.name}: HR {pair.hr.shape[:2]} is not {scale} times LR {pair.lr.shape[:2]}")
            if min(height, width) < patch:
                raise HnasError(
                    f"{pair.name}: {width}x{height} LR pixels are smaller than a patch of {patch}x{patch}; "
                    f"take it out or choose a patch of at most {min(height, width)}"
                )
        self.pairs = tuple(pairs)
        self.taught = tuple(taught)
        self.teacher_weight = teacher_weight
        self.scale = scale
        self.patch = patch
        self.batch_size = batch
        self.seed = seed
        self.augment = augment

    def batch(
        self, step: int, rank: int = 0, *, device: torch.device | str = "cpu"
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The batch of one step for one process.

        Returns:
            LR (N, 3, patch, patch) and HR (N, 3, scale * patch, scale * patch), float32 RGB in [0, 1], channels-last.
        """
        draw = np.random.default_rng((self.seed, step, rank))
        shape = (self.batch_size, self.patch, self.patch, 3)
        lr = np.empty(shape, np.uint8)
        hr = np.empty((shape[0], shape[1] * self.scale, shape[2] * self.scale, 3), np.uint8)
        variants = draw.integers(8, size=self.batch_size) if self.augment else np.zeros(self.batch_size, int)
        for index, variant in enumerate(variants):
            chosen = draw.integers(len(self.pairs))
            pair = self.pairs[chosen]
            top = int(draw.integers(pair.lr.shape[0] - self.patch + 1))
            left = int(draw.integers(pair.lr.shape[1] - self.patch + 1))
            lr[index] = _variant(_cut(pair.lr, top, left, self.patch), int(variant))
            if self.taught and draw.random() < self.teacher_weight:
                pair = self.taught[chosen]
            hr[index] = _variant(
                _cut(pair.hr, top * self.scale, left * self.scale, self.patch * self.scale), int(variant)
            )
        return _to_tensor(lr, device), _to_tensor(hr, device)


def _cut(picture: np.ndarray[Any, Any], top: int, left: int, side: int) -> np.ndarray[Any, Any]:
    return picture[top : top + side, left : left + side]


def _variant(patch: np.ndarray[Any, Any], which: int) -> np.ndarray[Any, Any]:
    """One of the 8 symmetries of the square (0 changes nothing), without a copy."""
    turned = np.rot90(patch, which % 4)
    return turned[:, ::-1] if which >= 4 else turned


def _to_tensor(patches: np.ndarray[Any, Any], device: torch.device | str) -> torch.Tensor:
    # The bytes travel to the device as they are, a quarter of the floats; H, W, C in memory is channels-last already.
    return torch.from_numpy(patches).to(device).permute(0, 3, 1, 2).float().div_(255)


def split_pairs(pairs: Sequence[Pair], fractions: Sequence[float], *, seed: int) -> list[list[Pair]]:
    """Shares pictures out into disjoint parts, whole pictures only, at random by the seed.

    Args:
        pairs: at least as many pictures as parts.
        fractions: the part of the pictures that each part gets; positive, and together 1.

    Raises:
        HnasError: fractions that do not add up, or too few pictures for every part to get one.
    """
    if not fractions or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise HnasError(f"fractions are {list(fractions)}; they must be positive and add up to 1")
    if len(pairs) < len(fractions):
        raise HnasError(f"{len(pairs)} pictures cannot be shared out into {len(fractions)} parts; give more pictures")
    order = list(range(len(pairs)))
    Random(seed).shuffle(order)
    # Every part is sure of one picture; the rest follow the fractions.
    spare = len(pairs) - len(fractions)
    ends = [index + 1 + round(spare * sum(fractions[: index + 1])) for index in range(len(fractions))]
    starts = [0, *ends[:-1]]
    return [[pairs[i] for i in order[start:end]] for start, end in zip(starts, ends, strict=True)]
