"""Gates: factors of value 1 on what the decisions of a genotype chose, by which shared weights are differentiated.

They stand for the weights of a network in which every decision is a mixture of its options, of which one alone is run
(Dong and Yang, Searching for A Robust Neural Architecture in Four GPU Hours, CVPR 2019).
"""

from __future__ import annotations

from torch import Tensor


def gated(features: Tensor, gate: Tensor | None) -> Tensor:
    """Features times a gate, a tensor of no dimension; without one, as they are."""
    return features if gate is None else features * gate
