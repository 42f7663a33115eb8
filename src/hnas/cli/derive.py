"""``hnas derive``."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hnas.cli.minutes import minutes
from hnas.cli.options import Json, say


def derive(
    run: Path,
    /,
    *,
    lam: float | None = None,
    max_macs: str = "0",
    max_params: str = "0",
    max_latency: str = "0",
    samples: int | None = None,
    improve: str | None = None,
    backend: Literal["torch", "onnx", "openvino"] | None = None,
    threads: int | None = None,
    output: Annotated[Path | None, Parameter(name=("--output", "-o"))] = None,
    json: Json = False,
) -> None:
    """Choose a genotype from a finished search: the best that keeps within limits, or for another lambda.

    Without --lam, limits say all there is to say about cost: the highest PSNR within them wins. Otherwise the highest
    reward does.

    Args:
        run: Folder of a search.
        lam: Weight of PSNR in the reward, within what was searched.
        max_macs: No more multiply-adds than this at the search's target size, such as 48.2G; 0 is no limit.
        max_params: No more parameters than this, such as 300k; 0 is no limit.
        max_latency: No more milliseconds than this, such as 40ms, measured on whole networks; 0 is no limit.
        samples: Genotypes to score; as many as the search did by default.
        improve: A genotype (HNAS-A, or its JSON file) to change, choice by choice, where that raises the PSNR and costs
            nothing more; its position, or width and depth, stays.
        backend: What milliseconds are of: torch, onnx (onnxruntime) or openvino; by default as in the search.
        threads: Of the networks that are timed; by default as in the search.
        output: JSON file for the genotype; genotype.json in the run folder by default, which is replaced.
    """
    from hnas.searching.runs import RESULT
    from hnas.searching.runs import derive as run_derive
    from hnas.searching.settings import Limits
    from hnas.space import load_genotype

    limits = Limits.parse(max_macs=max_macs, max_params=max_params, max_latency=max_latency)
    with minutes("derive", terminal=True):
        derived = run_derive(
            run,
            count=samples,
            limits=None if limits == Limits() else limits,
            lam=lam,
            improve=None if improve is None else load_genotype(improve),
            backend=backend,
            threads=threads,
            output=output,
            say=say,
        )
    print(f"genotype written to {output or run / RESULT}", file=sys.stderr)
    print(json_module.dumps(derived.summary()) if json else derived.sentence())
