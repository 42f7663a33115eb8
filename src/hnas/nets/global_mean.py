"""The mean over a picture's features, as a module, so that a picture in tiles can be given that of the whole."""

from __future__ import annotations

from torch import Tensor, nn


class GlobalMean(nn.Module):
    """The mean over height and width. :mod:`hnas.deploy.pooling` finds these modules and takes all tiles together."""

    def forward(self, features: Tensor) -> Tensor:
        """Shapes: (N, C, H, W) to (N, C, 1, 1)."""
        return features.mean((2, 3), keepdim=True)
