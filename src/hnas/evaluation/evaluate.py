"""A model on benchmarks in one call: what ``hnas.evaluate`` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from hnas.data.benchmarks import SAMPLE, find_benchmarks
from hnas.evaluation.benchmark import BenchmarkResult, evaluate_model
from hnas.nets import model_scale
from hnas.weights import load_model


def evaluate(
    model: nn.Module | str | Path,
    benchmarks: Sequence[str | Path] = (SAMPLE,),
    *,
    self_ensemble: bool = False,
    device: str = "cpu",
    degradation: str = "",
    lr_data: str | Path | None = None,
) -> dict[str, BenchmarkResult]:
    """PSNR (dB) and SSIM on Y, by the protocol of the field, at the model's own scale.

    Args:
        model: a model, a weights file, a run folder or the name of a bundled model.
        benchmarks: folders with pictures or with sets, names of known sets, or ``sample`` (two photographs that come
            along).
        self_ensemble: also measure the mean over the eight flips and turns.
        device: where the model runs.
        degradation: what the small pictures went through besides, such as ``jpeg:50``
            (:mod:`hnas.data.degradations`); the same for every model.
        lr_data: a folder with the small pictures of the one set that was named.

    Returns:
        The figures by the set's name, with the degradation behind it.

    Raises:
        HnasError: no such model or set, or a picture that cannot be measured.
    """
    network = model if isinstance(model, nn.Module) else load_model(model)
    scale = model_scale(network)
    return {
        name: evaluate_model(network, load(scale), scale=scale, self_ensemble=self_ensemble, device=device)
        for name, load in find_benchmarks(
            [str(benchmark) for benchmark in benchmarks], lr_data=lr_data, degradation=degradation
        )
    }
