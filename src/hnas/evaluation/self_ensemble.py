"""Self-ensemble: the mean over the eight flips and turns of a picture ("x8", "+" in the tables of papers)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from hnas.views import VIEWS, turned, turned_back


def self_ensemble(model: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Runs a model on all eight flips and turns of its input, turns the results back and averages them.

    Source: B. Lim et al., "Enhanced deep residual networks for single image super-resolution", 2017, section 3.4.

    Args:
        model: N x C x H x W -> N x C x sH x sW, for any H and W.
        x: N x C x H x W.

    Returns:
        N x C x sH x sW, not clamped.
    """
    total = model(x)
    for view in range(1, VIEWS):
        total = total + turned_back(model(turned(x, view)), view)
    return total / VIEWS
