"""What a network costs, and that of any model, counted by running it on the meta device."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from hnas.nets.forms import plain_form

#: The low-resolution input (height, width) that costs refer to: as many pixels as 640x360 to 1280x720 (paper, III-A).
LR_SIZE = (480, 480)


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        macs: multiply-adds for one picture of the stated low-resolution size.
        params: number of trained parameters.
    """

    macs: int
    params: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.macs + other.macs, self.params + other.params)


@dataclass(frozen=True)
class ExpectedCost:
    """What a genotype costs on average where its decisions are drawn, each from probabilities of its own.

    Attributes:
        macs: of :class:`Cost`, a tensor of no dimension with the gradient of the probabilities.
        params: the same.
    """

    macs: Tensor
    params: Tensor


def model_cost(model: nn.Module, *, lr_size: tuple[int, int] = LR_SIZE) -> Cost:
    """The cost of any super-resolution model: no memory, no arithmetic.

    Multiply-adds are those of the form that is run, parameters those that are trained.

    Args:
        model: takes (1, 3, H, W).
        lr_size: (height, width) of the low-resolution input in pixels.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    shadow = copy.deepcopy(plain_form(model)).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shadow(torch.empty(1, 3, *lr_size, device="meta"))
    return Cost(counter.get_total_flops() // 2, parameters)
