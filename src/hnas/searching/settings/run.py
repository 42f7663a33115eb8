"""How long a search is, and how it ends."""

from dataclasses import dataclass
from typing import Literal

from hnas.bounds import Checked, refuse_below


@dataclass(frozen=True, kw_only=True)
class RunSettings(Checked):
    """How long a search is, and what it hands over in the end.

    A round is ``w_steps`` updates of the shared weights, then ``controller_steps`` updates of the strategy.

    Attributes:
        rounds: how often both phases are repeated (in the paper: epochs).
        controller_steps: updates of the strategy in a round.
        samples: genotypes scored per update of the strategy, all on the same batch.
        exhaustive: where the space has at most this many genotypes, the derivation scores every one of them, whatever
            the strategy proposes, which then has no updates; 0 is never.
        measure: finalists whose network the derivation also times whole, those of the front of PSNR against
            multiply-adds first; under a limit of latency the best first, and more until one keeps it. 0 is none
            without such a limit.
        derive_samples: genotypes that the derivation scores.
        derive_by: what is chosen in the end: the highest "reward", or the highest "psnr" (paper), as under limits.
        derive_pictures: validation pictures it uses (0: all), each by its middle crop.
        derive_patch: side of that crop, LR pixels; 0 is the whole picture (paper).
        seed: decides every random choice.
        checkpoint_every: rounds between full states on disk.

    Raises:
        HnasError: a value outside its bounds.
    """

    rounds: int = 400
    controller_steps: int = 30
    samples: int = 4
    exhaustive: int = 0
    measure: int = 0
    derive_samples: int = 100
    derive_by: Literal["reward", "psnr"] = "reward"
    derive_pictures: int = 16
    derive_patch: int = 48
    seed: int = 0
    checkpoint_every: int = 10

    def __post_init__(self) -> None:
        refuse_below(1, self, "rounds", "samples", "derive_samples", "checkpoint_every")
        refuse_below(0, self, "controller_steps", "exhaustive", "measure", "derive_pictures", "derive_patch", "seed")
        super().__post_init__()

    @property
    def updates(self) -> int:
        """Updates of the strategy in all."""
        return self.rounds * self.controller_steps
