"""What several promises are checked by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from hnas.deploy.enlarge.upscale import Upscaler
from hnas.deploy.running.torch_backend import TorchBackend

#: Starts from which every parameter must get a gradient at least once: a ReLU may be dead for one draw of the weights.
_STARTS = 8


def promise(kept: bool, words: str) -> None:
    """Raises AssertionError with the words unless it is kept."""
    if not kept:
        raise AssertionError(words)


def every_parameter_gets_a_gradient(build: Callable[[], nn.Module], what: str) -> None:
    """Over a few starts, from (1, 3, 6, 5) pictures of noise."""
    silent: set[str] | None = None
    for seed in range(_STARTS):
        torch.manual_seed(seed)
        model = build()
        picture = model(torch.rand(1, 3, 6, 5))
        promise(bool(picture.isfinite().all()), f"{what}: its picture has numbers that are not finite")
        picture.square().sum().backward()
        found = {name for name, value in model.named_parameters() if value.grad is None or not value.grad.abs().sum()}
        silent = found if silent is None else silent & found
        if not silent:
            return
    raise AssertionError(f"{what}: no gradient reaches {sorted(silent or ())}; leave out what nothing depends on")


def tiles_leave_no_trace(model: nn.Module, what: str) -> None:
    """A picture enlarged in tiles is the picture enlarged whole, to 1e-5 of 1 (1e-2 where it pools, in two runs)."""
    backend = TorchBackend(model.eval())
    picture = np.random.default_rng(0).random((41, 38, 3)).astype(np.float32)
    whole, tiled = (Upscaler(backend, tile=tile).upscale(picture) for tile in (0, 13))
    difference = float(np.abs(tiled - whole).max())
    most = 1e-2 if backend.pooled else 1e-5
    promise(difference <= most, f"{what}: tiles differ from the whole by {difference:.2g} of 1; it looks further, or "
            "pools more, than it says")  # fmt: skip
