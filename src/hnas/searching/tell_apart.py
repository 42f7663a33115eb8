"""How well the shared weights of a search tell genotypes apart."""

from __future__ import annotations

from random import Random

import torch

from hnas.ranking import kendall_tau
from hnas.searching.evaluators import score_shortly
from hnas.searching.searcher import Searcher

#: Random genotypes by which the log says it, and pictures for it.
_PROBES = 16
_PROBE_PICTURES = 4


def tell_apart(searcher: Searcher) -> dict[str, float]:
    """How well the shared weights tell genotypes apart, on a few genotypes and pictures that are always the same.

    Args:
        searcher: with shared weights; remembers the scores of genotypes that are trained alone for it.

    Returns:
        ``gain``: their mean PSNR over bicubic interpolation, dB; ``spread``: the standard deviation of their PSNR, dB;
        ``tau``, where the settings ask for it: Kendall's tau with the PSNR of the first of them trained alone.
    """
    settings, random = searcher.settings, Random(0)
    genotypes = [settings.search_space.sample(random) for _ in range(max(_PROBES, settings.tau_samples))]
    lr, hr = (pictures[:_PROBE_PICTURES] for pictures in searcher.pictures.validation)
    gains = torch.tensor([scored.gain for scored in searcher.score_all(genotypes, (lr, hr), 0.5)])
    figures = {"gain": float(gains.mean()), "spread": float(gains.std())}
    if settings.tau_samples:
        if not searcher.alone:
            assert searcher.weights is not None
            patches, fabric = searcher.weights.patches, searcher.fabric
            for genotype in genotypes[: settings.tau_samples]:
                searcher.alone += score_shortly(
                    genotype, settings=settings, patches=patches, pictures=[(lr, hr)], fabric=fabric
                )
        figures["tau"] = kendall_tau(gains[: settings.tau_samples].tolist(), searcher.alone)
    return figures
