"""What the network of a genotype costs, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CandidateCost:
    """What the network of a genotype costs at the target size.

    Attributes:
        macs: multiply-adds for one LR picture of the stated size.
        params: trained parameters.
        latency: milliseconds; None where it is not asked for.
        relative: the cost of the reward, divided by the reference.
        measured: whether the latency was measured on the whole network; otherwise it is a table's prediction.
        predicted: what a table had said of a network that was measured, ms; None where there was no table.
    """

    macs: int
    params: int
    latency: float | None
    relative: float
    measured: bool = False
    predicted: float | None = None
