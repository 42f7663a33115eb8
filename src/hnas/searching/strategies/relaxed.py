"""A decision relaxed: the gradient of its logits from that of what was chosen (straight-through Gumbel-softmax)."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

#: Draws of the noise for every decision; more change the mean of the gradient no more than fewer.
_DRAWS = 16


def gate(logits: Tensor, chosen: int, temperature: float, generator: Generator) -> Tensor:
    """How much of a decision is what was chosen, where a softmax of the logits under Gumbel noise relaxes it.

    Its gradient is that of the straight-through Gumbel-softmax (Jang, Gu and Poole, Categorical Reparameterization with
    Gumbel-Softmax, ICLR 2017), in the mean over noise that has the chosen option win: of one expectation with it, and
    nearer to that (Paulus, Maddison and Krause, Rao-Blackwellizing the Straight-Through Gumbel-Softmax Gradient
    Estimator, ICLR 2021). So it needs no noise from when the option was drawn, or changed to fit a limit.

    Args:
        logits: (options,) of those that are open.
        chosen: the option.
        temperature: above 0; the smaller, the nearer the softmax is to a choice.
        generator: of the noise.

    Returns:
        Between 0 and 1, of no dimension.
    """
    noise = noise_given(logits.detach(), chosen, _DRAWS, generator)
    relaxed: Tensor = ((logits + noise) / temperature).softmax(1)[:, chosen].mean()
    return relaxed


def noise_given(logits: Tensor, chosen: int, count: int, generator: Generator) -> Tensor:
    """(count, options): Gumbel noise under which the chosen option has the largest of noise plus logit.

    The largest sum hangs on nothing else, and the others are Gumbel variables cut off there (Maddison, Tarlow and
    Minka, A* Sampling, NeurIPS 2014).
    """
    drawn = -torch.empty(count, len(logits), dtype=logits.dtype).exponential_(generator=generator).log()
    largest = logits.logsumexp(0) + drawn[:, chosen]
    sums = -torch.logaddexp(-(logits + drawn), -largest[:, None])
    sums[:, chosen] = largest
    return sums - logits
