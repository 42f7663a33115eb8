"""What runs a network as a module of torch, so that it can be measured on pictures as any model is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from hnas.deploy.running.runtimes import Floats


class RuntimeNetwork(nn.Module):
    """A runtime's session, or any backend, on the CPU.

    Args:
        run: (N, 3, H, W) in [0, 1] to (N, 3, scale * H, scale * W).
        scale: by how much it enlarges.
    """

    def __init__(self, run: Callable[[Floats], Floats], scale: int) -> None:
        super().__init__()
        self.run, self.scale = run, scale

    def forward(self, x: Tensor) -> Tensor:
        """Shapes as above."""
        return torch.from_numpy(self.run(np.ascontiguousarray(x.numpy())))
