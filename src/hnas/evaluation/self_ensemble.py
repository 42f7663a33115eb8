"""Self-ensemble: the mean over the eight flips and turns of a picture ("x8", "+" in the tables of papers)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def self_ensemble(model: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Runs a model on all eight flips and turns of its input, turns the results back and averages them.

    Source: B. Lim et al., "Enhanced deep residual networks for single image super-resolution", 2017, section 3.4.

    Args:
        model: N x C x H x W -> N x C x sH x sW, for any H and W.
        x: N x C x H x W.

    Returns:
        N x C x sH x sW, not clamped.
    """
    total: Tensor | None = None
    for turned in (False, True):
        for flipped in ((), (2,), (3,), (2, 3)):
            way = (x.transpose(2, 3) if turned else x).flip(flipped)
            back = model(way).flip(flipped)
            back = back.transpose(2, 3) if turned else back
            total = back if total is None else total + back
    assert total is not None
    return total / 8
