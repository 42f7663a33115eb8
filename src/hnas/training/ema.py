"""The running average of a network's weights, which scores better than the last of them."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn


class Ema:
    """Exponential moving average of the weights; buffers are taken over as they are.

    The decay starts low, min(decay, (1 + updates) / (10 + updates)), so that the first weights are soon forgotten.

    Attributes:
        model: a copy of the network that holds the averaged weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, updates: int) -> None:
        """Takes the weights in after the update with this number, counted from 0."""
        decay = min(self.decay, (1 + updates) / (10 + updates))
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), 1 - decay)
        for averaged, current in zip(self.model.buffers(), model.buffers(), strict=True):
            averaged.copy_(current)
