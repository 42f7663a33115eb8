"""Random aligned patches: which ones is a function of the seed, the step and the process, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import torch

from hnas.data.folders import Pair
from hnas.data.places import Place, cut
from hnas.data.resident import ResidentPictures, fits
from hnas.data.tensors import as_floats
from hnas.errors import HnasError


class PatchSampler:
    """Cuts batches of LR and HR patches out of pictures that stay in memory as uint8; a GPU holds them in its own.

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
        self._resident: dict[torch.device, ResidentPictures | None] = {}

    def batch(
        self, step: int, rank: int = 0, *, device: torch.device | str = "cpu"
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The batch of one step for one process.

        Returns:
            LR (N, 3, patch, patch) and HR (N, 3, scale * patch, scale * patch), float32 RGB in [0, 1], channels-last.
        """
        places, on_device = self._places(step, rank), self._on(device)
        if on_device:
            return on_device.batch(places)
        lr = np.empty((len(places), self.patch, self.patch, 3), np.uint8)
        hr = np.empty((len(places), self.patch * self.scale, self.patch * self.scale, 3), np.uint8)
        for index, place in enumerate(places):
            lr[index] = cut(self.pairs[place.picture].lr, place, self.patch)
            large = (self.taught if place.taught else self.pairs)[place.picture].hr
            hr[index] = cut(large, place, self.patch, self.scale)
        return as_floats(lr, device), as_floats(hr, device)

    def is_on(self, device: torch.device | str) -> bool:
        """Whether the pictures lie on a device, where patches are cut there; they are put there if they fit."""
        return self._on(device) is not None

    def _places(self, step: int, rank: int) -> list[Place]:
        draw = np.random.default_rng((self.seed, step, rank))
        variants = draw.integers(8, size=self.batch_size) if self.augment else np.zeros(self.batch_size, int)
        places = []
        for variant in variants:
            picture = int(draw.integers(len(self.pairs)))
            height, width = self.pairs[picture].lr.shape[:2]
            top = int(draw.integers(height - self.patch + 1))
            left = int(draw.integers(width - self.patch + 1))
            taught = bool(self.taught) and bool(draw.random() < self.teacher_weight)
            places.append(Place(picture, top, left, int(variant), taught))
        return places

    def _on(self, device: torch.device | str) -> ResidentPictures | None:
        device = torch.device(device)
        if device.type != "cuda":
            return None
        if device not in self._resident:
            resident = None
            if fits(self.pairs, self.taught, device):
                sizes = {"scale": self.scale, "patch": self.patch}
                resident = ResidentPictures(self.pairs, self.taught, **sizes, device=device)
            self._resident[device] = resident
        return self._resident[device]


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
