"""How genotypes are scored."""

from dataclasses import dataclass
from typing import Literal

from hnas.bounds import Checked, refuse_below, refuse_not_above_zero
from hnas.errors import HnasError


@dataclass(frozen=True, kw_only=True)
class ScoringSettings(Checked):
    """How genotypes are scored.

    Attributes:
        scorer: "shared" scores with the shared weights, "short" trains every genotype alone for ``short_steps`` steps:
            seconds for each of rounds x controller_steps x samples.
        score_batch: patches that genotypes are scored on; 0 is as many as in a step of training.
        short_steps: updates of a training alone.
        short_lr: its highest learning rate (Adam, one cycle).
        tau_samples: random genotypes that a search by shared weights also trains alone, that long and once, so that its
            log has Kendall's tau between both; 0 is none.

    Raises:
        HnasError: a value outside its bounds.
    """

    scorer: Literal["shared", "short"] = "shared"
    score_batch: int = 0
    short_steps: int = 100
    short_lr: float = 4e-3
    tau_samples: int = 12

    def __post_init__(self) -> None:
        refuse_below(1, self, "short_steps")
        refuse_below(0, self, "score_batch", "tau_samples")
        refuse_not_above_zero(self, "short_lr")
        if self.tau_samples == 1:
            raise HnasError("tau_samples is 1; allowed are 0 (no Kendall's tau), and 2 and more")
        super().__post_init__()
