"""The mean over a picture's features, as a module, so that a picture in tiles can be given that of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, nn


class GlobalMean(nn.Module):
    """The mean over height and width. :mod:`hnas.deploy.running.pooling` takes that of all tiles together."""

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, 1, 1)."""
        return features.mean((2, 3), keepdim=True)


def global_means(module: nn.Module) -> list[GlobalMean]:
    """Those inside a module."""
    return [part for part in module.modules() if isinstance(part, GlobalMean)]


@contextmanager
def given(values: Mapping[GlobalMean, Callable[[Tensor], Tensor]]) -> Iterator[None]:
    """While this lasts, these modules give what the functions make of their features."""
    for module, value in values.items():
        module.forward = value  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        for module in values:
            del module.forward
