"""Networks of one scale, timed in turns by one runtime in one run, and measured on pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import nn

from hnas.bounds import refuse_below, refuse_unlisted
from hnas.data.folders import Pair
from hnas.deploy.contenders import Contender
from hnas.deploy.export import describe, onnx_bytes
from hnas.deploy.runtimes import BackendName, Floats, onnx_session, openvino_session, runtime_version
from hnas.deploy.simplify import simplify
from hnas.deploy.torch_backend import TorchBackend, torch_threads
from hnas.deploy.turns import Make, medians_in_turns
from hnas.evaluation.benchmark import BenchmarkResult, evaluate_model
from hnas.evaluation.standing import TimedRow
from hnas.evaluation.table_two import SCALE
from hnas.nets import LR_SIZE, model_cost


@dataclass(frozen=True)
class TurnSettings:
    """How networks are timed.

    Attributes:
        backend: what runs them, on the CPU.
        threads: of one picture.
        lr_size: (height, width) of the low-resolution input in pixels.
        rounds: in each, every network has its turn; the median counts.

    Raises:
        HnasError: a value outside its bounds.
    """

    backend: BackendName = "onnx"
    threads: int = 1
    lr_size: tuple[int, int] = LR_SIZE
    rounds: int = 7

    def __post_init__(self) -> None:
        refuse_unlisted(self)
        refuse_below(1, self, "threads", "rounds")


def measure_in_turns(
    contenders: Sequence[Contender],
    sets: Mapping[str, Sequence[Pair]],
    *,
    scale: int,
    settings: TurnSettings,
    on_step: Callable[[str], None] = lambda what: None,
) -> tuple[TimedRow, ...]:
    """Fills a row for every network, fastest first.

    Args:
        contenders: of the scale.
        sets: pairs by name, for PSNR and SSIM by :func:`hnas.evaluation.benchmark.evaluate_model`.
        scale: 2, 3 or 4.
        settings: of the timing.
        on_step: called with words before every turn and after every picture, :func:`count_steps` times in all.

    Raises:
        HnasError: the runtime is not installed, or a picture cannot be measured.
    """
    runtime_version(settings.backend)
    picture = np.random.default_rng(0).random((1, 3, *settings.lr_size), np.float32)
    makers = {contender.name: _maker(contender.model, settings, picture) for contender in contenders}
    measured = {contender.name: _measured(contender, sets, scale, on_step) for contender in contenders}
    with torch_threads(settings.threads):
        seconds = medians_in_turns(makers, rounds=settings.rounds, on_turn=on_step)
    rows = []
    for contender in contenders:
        cost = model_cost(contender.model)
        results = measured[contender.name]
        rows.append(
            TimedRow(
                contender.name,
                ours=contender.system is None,
                weights=str(contender.weights),
                milliseconds=1e3 * seconds[contender.name],
                macs=cost.macs,
                params=cost.params,
                psnr={name: result.psnr for name, result in results.items()},
                ssim={name: result.ssim for name, result in results.items()},
                printed=contender.system.printed if contender.system and scale == SCALE else {},
            )
        )
    return tuple(sorted(rows, key=lambda row: row.milliseconds))


def count_steps(contenders: Sequence[Contender], sets: Mapping[str, Sequence[Pair]], rounds: int) -> int:
    """How many turns and pictures there are in all."""
    return len(contenders) * (rounds + sum(map(len, sets.values())))


def _measured(
    contender: Contender, sets: Mapping[str, Sequence[Pair]], scale: int, on_step: Callable[[str], None]
) -> dict[str, BenchmarkResult]:
    found = {}
    for name, pairs in sets.items():
        words = f"{contender.name} on {name}"
        found[name] = evaluate_model(
            contender.model, pairs, scale=scale, on_picture=lambda *_, words=words: on_step(words)
        )
    return found


def _maker(model: nn.Module, settings: TurnSettings, picture: Floats) -> Make:
    """What makes a session anew that runs a picture; an exported network is kept as its bytes alone."""
    if settings.backend == "torch":
        tuned = TorchBackend(deepcopy(model))
        return lambda: partial(tuned, picture)
    data = onnx_bytes(simplify(model), describe(model, {}), split=settings.backend == "onnx")
    open_session = onnx_session if settings.backend == "onnx" else openvino_session

    def make() -> Callable[[], Floats]:
        run, _ = open_session(data, threads=settings.threads)
        return partial(run, picture)

    return make
