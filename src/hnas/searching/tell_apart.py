"""How well the shared weights of a search tell genotypes apart."""

from __future__ import annotations

from random import Random
from typing import Any

import torch

from hnas.ranking import kendall_tau
from hnas.searching.evaluators import score_shortly
from hnas.searching.searcher import Searcher
from hnas.searching.sharing_out import shared_out
from hnas.space import Genotype

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

            def score(genotype: Genotype) -> float:
                how: dict[str, Any] = {"settings": settings, "patches": patches, "fabric": fabric}
                return score_shortly(genotype, pictures=[(lr, hr)], **how)[0]

            searcher.alone = shared_out(score, genotypes[: settings.tau_samples], fabric)
        figures["tau"] = kendall_tau(gains[: settings.tau_samples].tolist(), searcher.alone)
    return figures
