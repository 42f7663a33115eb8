"""What a search and a study of several do; every number of the paper is here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from hnas.bounds import quantity, refuse_below, refuse_no_part, refuse_not_above_zero, refuse_unlisted
from hnas.errors import HnasError
from hnas.searching.strategy_registry import refuse_unknown
from hnas.space import Space, SpaceName, space_of
from hnas.space.cells import NORMAL_OPERATIONS, UPSAMPLING_OPERATIONS
from hnas.training.settings import LossName, OptimizerName, Schedule, refuse_no_shrinking

CostName = Literal["macs", "params", "latency"]
#: Points of a study's curve of the best reward against evaluations.
STUDY_POINTS = 10


@dataclass(frozen=True)
class Limits:
    """What no proposed genotype may exceed; 0 is no limit.

    Attributes:
        macs: multiply-adds.
        params: parameters.
        latency: milliseconds.
    """

    macs: float = 0.0
    params: float = 0.0
    latency: float = 0.0

    @classmethod
    def parse(cls, *, max_macs: float | str, max_params: float | str, max_latency: float | str) -> Limits:
        """Reads ``30.6G``, ``300k`` and ``40ms``.

        Raises:
            HnasError: something else.
        """
        return cls(
            macs=quantity("max_macs", max_macs),
            params=quantity("max_params", max_params),
            latency=quantity("max_latency", max_latency, unit="ms"),
        )


#: Names of costs for a person: what one unit in print is, and what it is called.
_UNITS = {"macs": (1e9, "G multiply-adds"), "params": (1e3, "k parameters"), "latency": (1.0, "ms")}


def in_words(name: str, value: float) -> str:
    """A cost for a person, such as 30.6 G multiply-adds.

    Args:
        name: macs, params or latency.
        value: multiply-adds, parameters or ms.
    """
    unit, words = _UNITS[name]
    return f"{value / unit:.4g} {words}"


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """One search: Algorithm 1 of the paper, then the derivation of a genotype.

    A round is ``w_steps`` updates of the shared weights, then ``controller_steps`` updates of the strategy.

    Attributes:
        scale: enlargement, 2, 3 or 4.
        space: networks of "cells" (paper), or plain "chain"s of 3x3 convolutions.
        layers: cells: how many there are, the upsampling cell included.
        nodes: cells: intermediate nodes of each.
        normal_operations: cells: what an edge of the normal cell chooses from.
        upsampling_operations: cells: what an edge of the upsampling cell chooses from.
        widths: chains: channels to choose from; each has shared weights of its own.
        depths: chains: numbers of blocks to choose from; the shared weights have an exit after each.
        blocks: chains: what each block chooses from, "conv_3x3" and "residual_3x3".
        after: chains: how many blocks may follow the enlargement; 0 is none, so that it stands at the end.
        colour: chains: "luma" sees brightness alone, which is quicker; "rgb" sees all colours.
        channels: channels C of the supernet of cells.
        image_skip: the enlarged input is added to the output: "bicubic", "nearest" or "none" (paper).
        cell_skip: a path around every cell, output = input + cell_skip * cell; 0 is none (paper).
        norm: "batch-statistics" normalises with the statistics of the batch at hand, in scoring too; "none" (paper:
            the text has none) does not.
        sharing: one set of weights for every operation of each "edge" (paper), or of each "node" and slot, whatever
            the source, so that every weight is trained more often.
        rounds: how often both phases are repeated (in the paper: epochs).
        warmup: rounds before them that only train the shared weights, on uniformly drawn genotypes.
        w_steps: updates of the shared weights in a round.
        controller_steps: updates of the strategy in a round.
        w_fraction: part of the training pictures that trains the shared weights; the rest scores genotypes.
        w_sampling: who draws the genotypes that train the shared weights: the "strategy" (paper), or "fair", which
            shows every operation and source of every edge equally often.
        w_genotypes: genotypes per update of the shared weights; each sees its share of the batch.
        batch: patches per step and process.
        patch: side of an LR patch, pixels.
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
        strategy: what proposes genotypes: the hierarchical "controller" (paper), "controller-flat" (the position is
            drawn uniformly), "random", "evolution", or a peer: "enas", "nas-rl" (needs scorer short), "ppo", "nsga2",
            "local-search", "optuna:tpe" (needs the extra optuna), or one of another package (docs/extend.md).
        hidden: hidden units of the controller's LSTMs.
        controller_lr: learning rate of the controller at the start (Adam).
        controller_lr_end: the same at the end (cosine).
        standardise: rewards are divided by their usual spread within a batch, so that entropy_weight means the same
            whatever the shared weights, the cost and lambda; off in the paper.
        entropy_weight: weight of the entropy (nats) in what the controller makes large; with a range of lambda four
            times this weight, without which the policy settles on the cheap (docs/search.md).
        baseline: what a reward is compared with: the mean of the other genotypes on the same batch
            ("leave-one-out"), or a moving average of all rewards so far ("ema").
        baseline_decay: decay of that moving average.
        samples: genotypes scored per update of the strategy, all on the same batch.
        score_batch: patches in that batch; 0 is as many as in a step of training.
        population: the newest genotypes, from which evolution draws parents and a controller for a range of lambda the
            best for each; a generation of nsga2, and the best that local-search remembers.
        tournament: genotypes that evolution draws a parent from.
        lam: lambda of eq. 1, the weight of PSNR against cost; "0.05..0.95" trains one controller for all of them
            at once.
        cost: what the reward counts as cost.
        cost_reference: the cost that counts as 1, in MACs, parameters or ms; 0 takes the hard limit of that cost
            (such as max_macs), or without one the mean of the search space.
        target_channels: channels of the network that is trained in the end; costs and limits are meant at this size.
        lr_size: height and width of the LR picture at which MACs and latency are counted, such as 480x480.
        latency_table: file of ``hnas profile --build-table``, for a search with latency as cost or limit; without one
            such a search builds a table and keeps it for the next (docs/search.md).
        max_macs: no genotype above this many MACs is proposed, such as 30.6G; 0 is no limit. So for the next two.
        max_params: limit of parameters, such as 300k.
        max_latency: limit of latency, such as 40ms: predicted in the search, and measured of what is handed over.
        backend: what milliseconds are of: "torch" on the device of the search, "onnx" (onnxruntime) or "openvino" on
            the CPU.
        threads: of the networks that are timed on a CPU; 0 is 2, or what the machine has if fewer.
        scorer: "shared" scores with the shared weights, "short" trains every genotype alone for ``short_steps`` steps:
            seconds for each of rounds x controller_steps x samples.
        short_steps: updates of that training.
        short_lr: its highest learning rate (Adam, one cycle).
        tau_samples: random genotypes that a search by shared weights also trains alone, that long and once, so that its
            log has Kendall's tau between both; 0 is none.
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
        HnasError: a value outside its bounds, or values that contradict each other.
    """

    scale: int = 2
    space: SpaceName = "cells"
    layers: int = 12
    nodes: int = 4
    normal_operations: tuple[str, ...] = NORMAL_OPERATIONS
    upsampling_operations: tuple[str, ...] = UPSAMPLING_OPERATIONS
    widths: tuple[int, ...] = (8, 16, 32)
    depths: tuple[int, ...] = (2, 4, 6, 8)
    blocks: tuple[str, ...] = ("conv_3x3",)
    after: tuple[int, ...] = (0,)
    colour: Literal["luma", "rgb"] = "luma"
    channels: int = 8
    image_skip: Literal["bicubic", "nearest", "none"] = "bicubic"
    cell_skip: float = 0.0
    norm: Literal["none", "batch-statistics"] = "none"
    sharing: Literal["edge", "node"] = "edge"
    rounds: int = 400
    warmup: int = 0
    w_steps: int = 20
    controller_steps: int = 30
    w_fraction: float = 0.4
    w_sampling: Literal["strategy", "fair"] = "strategy"
    w_genotypes: int = 1
    batch: int = 16
    patch: int = 48
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
    strategy: str = "controller"
    hidden: int = 100
    controller_lr: float = 3e-4
    controller_lr_end: float = 1.5e-4
    standardise: bool = False
    entropy_weight: float = 1.0
    baseline: Literal["leave-one-out", "ema"] = "leave-one-out"
    baseline_decay: float = 0.95
    samples: int = 4
    score_batch: int = 0
    population: int = 50
    tournament: int = 10
    lam: float | str = 0.6
    cost: CostName = "macs"
    cost_reference: float = 0.0
    target_channels: int = 64
    lr_size: str = "480x480"
    latency_table: str = ""
    max_macs: float | str = 0.0
    max_params: float | str = 0.0
    max_latency: float | str = 0.0
    backend: Literal["torch", "onnx", "openvino"] = "torch"
    threads: int = 0
    scorer: Literal["shared", "short"] = "shared"
    short_steps: int = 100
    short_lr: float = 4e-3
    tau_samples: int = 12
    exhaustive: int = 0
    measure: int = 0
    derive_samples: int = 100
    derive_by: Literal["reward", "psnr"] = "reward"
    derive_pictures: int = 16
    derive_patch: int = 48
    seed: int = 0
    checkpoint_every: int = 10

    def __post_init__(self) -> None:
        at_least_one = (
            "channels rounds w_genotypes batch patch hidden samples population tournament target_channels"
            " short_steps derive_samples checkpoint_every"
        )
        at_least_zero = (
            "cell_skip warmup w_steps controller_steps lr_end grad_clip controller_lr_end entropy_weight"
            " cost_reference score_batch derive_pictures derive_patch tau_samples seed exhaustive measure threads"
        )
        refuse_below(1, self, *at_least_one.split())
        refuse_below(0, self, *at_least_zero.split())
        refuse_not_above_zero(self, "lr", "controller_lr", "short_lr")
        refuse_unlisted(self)
        refuse_unknown("strategy is", self.strategy)
        for name in ("w_fraction", "baseline_decay"):
            if not 0 < getattr(self, name) < 1:
                raise HnasError(f"{name} is {getattr(self, name)}; allowed is more than 0 and less than 1")
        if self.scale not in (2, 3, 4):
            raise HnasError(f"scale is {self.scale}; allowed are 2, 3 and 4")
        if self.batch % self.w_genotypes:
            raise HnasError(f"w_genotypes is {self.w_genotypes}; it must divide the batch of {self.batch} evenly")
        if self.baseline == "leave-one-out" and self.samples < 2:
            raise HnasError("samples is 1, so there is no other one for baseline leave-one-out; use baseline ema")
        if self.baseline == "ema" and self.conditional:
            raise HnasError("baseline ema mixes rewards of different lambdas; use leave-one-out with a range of lambda")
        if self.standardise and self.samples < 2:
            raise HnasError("standardise needs the spread within a batch; set samples to 2 or more")
        if self.tournament > self.population:
            raise HnasError(f"tournament is {self.tournament}; allowed is at most population, {self.population}")
        if self.tau_samples == 1:
            raise HnasError("tau_samples is 1; allowed are 0 (no Kendall's tau), and 2 and more")
        if self.scorer == "short" and not self.derive_patch:
            raise HnasError("derive_patch is 0, whole pictures, which scorer short does not take; set it to 48 or so")
        refuse_no_part(self, "teacher_weight")
        refuse_no_shrinking(self.shrunk)
        if not 0 <= self.ema < 1:
            raise HnasError(f"ema is {self.ema}; allowed is 0 (off) up to, but not, 1 (0.999 is usual)")
        self.search_space, self.lam_range, self.limits, self.lr_shape  # noqa: B018 - they check their own values

    @property
    def search_space(self) -> Space:
        """The genotypes to choose from."""
        return space_of(self.space, self)

    @property
    def exhausts(self) -> bool:
        """Whether the derivation scores the whole space."""
        return self.search_space.size <= self.exhaustive

    @property
    def lam_range(self) -> tuple[float, float]:
        """Smallest and largest lambda; equal where one is searched for."""
        low, dots, high = str(self.lam).partition("..")
        try:
            ends = float(low), float(high if dots else low)
        except ValueError:
            ends = (0.0, 0.0)
        if not 0.0 < ends[0] <= ends[1] < 1.0:
            raise HnasError(f"lam is {self.lam}; allowed is a number between 0 and 1, or a range such as 0.05..0.95")
        return ends

    @property
    def limits(self) -> Limits:
        """The hard limits."""
        return Limits.parse(max_macs=self.max_macs, max_params=self.max_params, max_latency=self.max_latency)

    @property
    def lr_shape(self) -> tuple[int, int]:
        """Height and width of the LR picture that costs are meant for."""
        match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", self.lr_size)
        if not match:
            raise HnasError(f"lr_size is {self.lr_size!r}; allowed is HEIGHTxWIDTH in pixels, such as 480x480")
        return int(match[1]), int(match[2])

    @property
    def conditional(self) -> bool:
        """Whether lambda is a range, so that the controller must see it."""
        return self.lam_range[0] < self.lam_range[1]

    @property
    def updates(self) -> int:
        """Updates of the strategy in all."""
        return self.rounds * self.controller_steps


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """A study: what is compared.

    Attributes:
        strategies: by name; any that ``hnas search --strategy`` takes.
        seeds: searches of each strategy; seeds 0, 1, ...
        evaluations: genotypes that each search scores.
        alone: random genotypes that are trained alone for Kendall's tau of the scores.
        alone_steps: updates of that training; rate and patches are those of the search settings' short training.
        processes: searches at a time.
    """

    strategies: tuple[str, ...] = ("controller", "controller-flat", "random", "evolution")
    seeds: int = 3
    evaluations: int = 400
    alone: int = 12
    alone_steps: int = 300
    processes: int = 1

    def __post_init__(self) -> None:
        if not self.strategies:
            raise HnasError("strategies are none; name one or more, such as controller and random")
        refuse_unknown("strategies have", *self.strategies)
        refuse_below(STUDY_POINTS, self, "evaluations")
        refuse_below(1, self, "seeds", "alone_steps", "processes")
        refuse_below(0, self, "alone")
