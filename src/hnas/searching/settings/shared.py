"""The shared weights of a search, and how they are trained."""

from dataclasses import dataclass
from typing import Literal

from hnas.bounds import Checked, refuse_below, refuse_no_part, refuse_not_above_zero
from hnas.data.degradations import read_degradation
from hnas.errors import HnasError
from hnas.space.scales import ALL_SCALES, RESTORATION, refuse_other_scales
from hnas.training.settings import LossName, OptimizerName, Schedule, refuse_no_shrinking


@dataclass(frozen=True, kw_only=True)
class SharedSettings(Checked):
    """The supernet and its training; a genotype that is trained alone has the same pictures and the same width.

    Attributes:
        scale: enlargement, 2, 3 or 4; chains also 1, which restore pictures at their own size.
        channels: channels C of the supernet of cells.
        image_skip: the enlarged input is added to the output: "bicubic", "nearest" or "none" (paper).
        cell_skip: a path around every cell, output = input + cell_skip * cell; 0 is none (paper).
        norm: "batch-statistics" normalises with the statistics of the batch at hand, in scoring too; "none" (paper:
            the text has none) does not.
        sharing: one set of weights for every operation of each "edge" (paper), or of each "node" and slot, whatever
            the source, so that every weight is trained more often.
        warmup: rounds before the others that only train the shared weights, on uniformly drawn genotypes.
        w_steps: updates of the shared weights in a round.
        w_fraction: part of the training pictures that trains the shared weights; the rest scores genotypes.
        w_sampling: who draws the genotypes that train the shared weights: the "strategy" (paper), or "fair", which
            shows every operation and source of every edge equally often.
        w_genotypes: genotypes per update of the shared weights; each sees its share of the batch.
        batch: patches per step and process.
        patch: side of an LR patch, pixels.
        degradation: what small pictures went through besides, such as "jpeg:30-95" (:mod:`hnas.data.degradations`),
            one draw for each picture, in training and scoring.
        loss: of the shared weights: mean absolute error (paper), or that plus 0.05 times the same on the spectrum.
        schedule: of their learning rate: "cosine" (paper), or "one-cycle", which first rises over 30 % of the steps.
        ema: decay of the running average of the shared weights that scores genotypes; 0 is none (paper).
        teacher: a trained model of the same scale (weights file, run folder, or the name of one in the package) whose
            enlarged pictures the shared weights learn to make; none by default.
        teacher_weight: part of the patches whose target is the teacher's picture; the rest have the true one.
        shrunk: they also see copies of their pictures of these parts of the size, such as 0.7 and 0.5.
        optimizer: of the shared weights: "adam" (paper) or "muon".
        lr: learning rate of the shared weights at the start.
        lr_end: the same at the end (cosine).
        grad_clip: largest norm of the shared weights' gradient; 0 is no limit (paper).

    Raises:
        HnasError: a value outside its bounds.
    """

    scale: int = 2
    channels: int = 8
    image_skip: Literal["bicubic", "nearest", "none"] = "bicubic"
    cell_skip: float = 0.0
    norm: Literal["none", "batch-statistics"] = "none"
    sharing: Literal["edge", "node"] = "edge"
    warmup: int = 0
    w_steps: int = 20
    w_fraction: float = 0.4
    w_sampling: Literal["strategy", "fair"] = "strategy"
    w_genotypes: int = 1
    batch: int = 16
    patch: int = 48
    degradation: str = ""
    loss: LossName = "l1"
    schedule: Schedule = "cosine"
    ema: float = 0.0
    teacher: str = ""
    teacher_weight: float = 1.0
    shrunk: tuple[float, ...] = ()
    optimizer: OptimizerName = "adam"
    lr: float = 1e-3
    lr_end: float = 1e-5
    grad_clip: float = 0.0

    def __post_init__(self) -> None:
        refuse_below(1, self, "channels", "w_genotypes", "batch", "patch")
        refuse_below(0, self, "cell_skip", "warmup", "w_steps", "lr_end", "grad_clip")
        refuse_not_above_zero(self, "lr")
        refuse_no_part(self, "teacher_weight")
        refuse_no_shrinking(self.shrunk)
        refuse_other_scales(self.scale, ALL_SCALES)
        degrades = bool(read_degradation(self.degradation))
        if self.scale == RESTORATION and not degrades:
            raise HnasError("scale 1 restores pictures: say what is wrong with them, such as --degradation jpeg:30-95")
        if degrades and self.teacher:
            raise HnasError("degradation and teacher exclude each other in a search: a teacher needs clean pictures")
        if not 0 < self.w_fraction < 1:
            raise HnasError(f"w_fraction is {self.w_fraction}; allowed is more than 0 and less than 1")
        if self.batch % self.w_genotypes:
            raise HnasError(f"w_genotypes is {self.w_genotypes}; it must divide the batch of {self.batch} evenly")
        if not 0 <= self.ema < 1:
            raise HnasError(f"ema is {self.ema}; allowed is 0 (off) up to, but not, 1 (0.999 is usual)")
        super().__post_init__()
