"""What any model costs, counted by running it on the meta device."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from hnas.nets.cost import LR_SIZE, Cost
from hnas.nets.forms import plain_form


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
