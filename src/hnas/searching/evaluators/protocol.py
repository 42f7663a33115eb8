"""What a search asks of what scores genotypes."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor

from hnas.searching.shared_training import SharedTraining
from hnas.space import Genotype


class Evaluator(Protocol):
    """Scores fixed genotypes on fixed pictures."""

    @property
    def weights(self) -> SharedTraining | None:
        """The shared weights that it scores by, which a search may train; None where each genotype has its own."""

    def __call__(self, genotype: Genotype, lr: Tensor, hr: Tensor) -> float:
        """PSNR on Y in dB, a mean over the pictures; the same for the same weights, and asking leaves no trace.

        Args:
            genotype: of the search's space.
            lr: N x 3 x H x W, RGB in [0, 1].
            hr: N x 3 x (scale * H) x (scale * W).
        """


@runtime_checkable
class Differentiable(Evaluator, Protocol):
    """An evaluator whose scores have a gradient by what a genotype's decisions chose."""

    def with_slopes(self, genotype: Genotype, lr: Tensor, hr: Tensor) -> tuple[float, tuple[float, ...]]:
        """The score, and for every decision of the space its derivative by a factor of value 1 on what was chosen, dB.

        What each factor is on, the shared weights of a space say (:class:`hnas.nets.SharedWeights`).

        Args:
            genotype: as of a call, which gives the same score.
            lr: the same.
            hr: the same.
        """
