"""Algorithm 1 of the paper: the shared weights and the strategy that proposes genotypes are trained in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from random import Random
from statistics import fmean
from time import perf_counter
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from hnas.data.folders import Pair
from hnas.data.patches import PatchSampler
from hnas.data.resized import with_resized
from hnas.data.same_pictures import listing, refuse_other_pictures
from hnas.errors import HnasError
from hnas.nets import SharedWeights, family_of, to_channels_last
from hnas.ranking import kendall_tau
from hnas.run_files import CANDIDATES
from hnas.searching.costs import CostTable
from hnas.searching.health import complaints
from hnas.searching.reward import Scored, Spread, joint_reward
from hnas.searching.scoring import Scorer, bicubic_psnr, middle_crops, shared_scorer, short_scorer
from hnas.searching.settings import SearchSettings
from hnas.searching.splits import Splits
from hnas.searching.strategies import Strategy, build_strategy
from hnas.space import Genotype
from hnas.training.checkpoint import load_checkpoint, log_lengths, save_checkpoint, taking_up
from hnas.training.devices import on_first_process
from hnas.training.ema import Ema
from hnas.training.losses import LOSSES
from hnas.training.optimizers import build_optimizer
from hnas.training.precision import settle_precision
from hnas.training.run_folder import RunFolder
from hnas.training.settings import scheduled
from hnas.training.teacher import taught

#: Called after every round with its number (from 1), the number of rounds in all, and its line of the log.
SearchProgress = Callable[[int, int, Mapping[str, Any]], None]

#: Random genotypes by which the log says how well the shared weights tell genotypes apart, and pictures for it.
_PROBES = 16
_PROBE_PICTURES = 4


class Searcher:
    """The state of a search and the two kinds of update.

    Every random choice is a function of the seed, the update's number and the process, so the state that a
    checkpoint must hold is weights, optimisers, the strategy and two counters.

    Args:
        settings: what is searched, and how.
        splits: the pictures.
        costs: table of costs.
        fabric: the devices, launched.

    Raises:
        HnasError: ``samples`` cannot be shared out evenly over the processes, or a picture is too small.
    """

    def __init__(self, settings: SearchSettings, splits: Splits, costs: CostTable, fabric: Fabric) -> None:
        if settings.samples % fabric.world_size:
            raise HnasError(
                f"samples is {settings.samples}; with {fabric.world_size} processes, each of which scores its share, "
                f"allowed are multiples of {fabric.world_size}"
            )
        self.settings, self.splits, self.costs, self.fabric = settings, splits, costs, fabric
        self.supernet = build_supernet(settings).to(fabric.device)
        groups = self.shared.groups()
        self.optimizer = build_optimizer(settings.optimizer, [{"params": group} for group, _ in groups], settings.lr)
        self._rates = [rate for _, rate in groups]
        self.ema = Ema(self.supernet, settings.ema) if settings.ema else None
        self.strategy: Strategy = build_strategy(settings, costs.usage(settings.limits))

        def patches(pairs: Sequence[Pair], batch: int, seed: int, taught: Sequence[Pair] = ()) -> PatchSampler:
            return PatchSampler(
                pairs,
                scale=settings.scale,
                patch=settings.patch,
                batch=batch,
                seed=seed,
                taught=taught,
                teacher_weight=settings.teacher_weight,
            )

        shared = with_resized(splits.shared, settings.shrunk, scale=settings.scale, patch=settings.patch)
        pictures = taught(shared, settings.teacher, scale=settings.scale) if settings.teacher else ()
        self.shared_patches = patches(shared, settings.batch, settings.seed, pictures)
        self.controller_patches = patches(splits.controller, settings.score_batch or settings.batch, settings.seed + 1)
        #: Scores a fixed genotype on given pictures, in dB.
        self.scorer: Scorer = (
            shared_scorer(self.judging, fabric)
            if settings.scorer == "shared"
            else short_scorer(settings, self.shared_patches, fabric)
        )
        #: LR and HR, N x 3 x H x W: what every derivation scores on.
        self.validation = middle_crops(
            splits.validation, patch=settings.derive_patch, limit=settings.derive_pictures, device=fabric.device
        )
        self.spread = Spread()
        #: PSNR, dB, of genotypes trained alone, once they are; see :func:`tell_apart`.
        self.alone: list[float] = []
        self.round = 0
        self.seconds = 0.0

    @property
    def shared(self) -> SharedWeights:
        """The shared weights as they are trained."""
        return cast(SharedWeights, self.supernet)

    @property
    def judging(self) -> SharedWeights:
        """The shared weights that score genotypes: their running average where there is one."""
        return cast(SharedWeights, self.ema.model if self.ema else self.supernet)

    @property
    def rounds(self) -> int:
        """Rounds in all, warm-up included."""
        return self.settings.rounds + (0 if self.settings.scorer == "short" else self.settings.warmup)

    @property
    def trains_shared(self) -> bool:
        """Whether there are shared weights that change during the search."""
        return self.settings.scorer == "shared" and self.settings.w_steps > 0

    def run_round(self) -> tuple[dict[str, Any], list[Scored]]:
        """One round: updates of the shared weights, then, after the warm-up, of the strategy.

        Returns:
            The line for the log, and all genotypes scored.

        Raises:
            HnasError: a loss or score is not finite.
        """
        began = perf_counter()
        warming = self.round < self.rounds - self.settings.rounds
        reference = {self.settings.cost: self.costs.reference}
        line: dict[str, Any] = {"phase": "search", "step": self.round + 1, "cost_reference": reference}
        if self.trains_shared:
            losses = [self.w_step(self.round * self.settings.w_steps + i) for i in range(self.settings.w_steps)]
            line["w_loss"] = self._finite("loss of the shared weights", losses)
            line["lr_w"] = self.optimizer.param_groups[0]["lr"] / self._rates[0]
        scored: list[Scored] = []
        if not warming and not self.settings.exhausts:
            first = (self.round - (self.rounds - self.settings.rounds)) * self.settings.controller_steps
            told: list[dict[str, Any]] = []
            for update in range(first, first + self.settings.controller_steps):
                group, numbers = self.strategy_step(update)
                scored += group
                told.append(numbers)
            if scored:
                line |= _means(scored) | _mean_numbers(told)
                line["best"] = max(scored, key=lambda candidate: candidate.worth).line()
        self.round += 1
        self.seconds += perf_counter() - began
        line["seconds"] = round(self.seconds, 3)
        return line, scored

    def w_step(self, step: int) -> Tensor:
        """One update of the shared weights (Algorithm 1, lines 3-7) on the W pictures.

        Each of ``w_genotypes`` genotypes sees its own share of the batch. Returns the loss, on the device.
        """
        settings, rank = self.settings, self.fabric.global_rank
        genotypes = self.w_genotypes(step)
        lr, hr = map(self.shared.seen, self.shared_patches.batch(step, rank, device=self.fabric.device))
        loss_of = LOSSES[settings.loss]
        count = len(genotypes)
        total = torch.zeros((), device=self.fabric.device)
        for genotype, few_lr, few_hr in zip(genotypes, lr.chunk(count), hr.chunk(count), strict=True):
            with self.fabric.autocast():
                pictures = self.shared.pictures(few_lr, genotype)
                loss = torch.stack([loss_of(picture, few_hr) for picture in pictures]).mean() / count
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        parameters = list(self.supernet.parameters())
        average_gradients(parameters, self.fabric)
        if settings.grad_clip:
            nn.utils.clip_grad_norm_(parameters, settings.grad_clip)
        steps = self.rounds * settings.w_steps
        rate = scheduled(settings.schedule, settings.lr, settings.lr_end, step=step, steps=steps)
        for group, factor in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self.optimizer.step()
        # None, not zero: the optimiser leaves operations alone that no genotype of this step used.
        self.optimizer.zero_grad(set_to_none=True)
        if self.ema:
            self.ema.update(self.supernet, step)
        return total

    def w_genotypes(self, step: int) -> list[Genotype]:
        """The genotypes of one process's update of the shared weights; every process draws its own."""
        settings = self.settings
        random = Random(f"{settings.seed} w {step} {self.fabric.global_rank}")
        if settings.w_sampling == "fair" or step < (self.rounds - settings.rounds) * settings.w_steps:
            return settings.search_space.fair(settings.w_genotypes, random)
        return self.strategy.ask(settings.w_genotypes, lam=self._lam(random), random=random)

    def strategy_step(self, update: int) -> tuple[list[Scored], dict[str, Any]]:
        """One update of the strategy (Algorithm 1, lines 8-12) from genotypes scored on one and the same batch.

        All processes ask for the same genotypes, score a share each and are told all scores, so that their
        strategies stay equal.
        """
        settings = self.settings
        random = Random(f"{settings.seed} strategy {update}")
        lam = self._lam(random)
        genotypes = self.strategy.ask(settings.samples, lam=lam, random=random)
        # Scores that do not change are on the same pictures always, so that those of all updates compare.
        pictures = update if self.trains_shared else 0
        lr, hr = self.controller_patches.batch(pictures, device=self.fabric.device)
        psnrs = self._share(lambda genotype: self.scorer(genotype, lr, hr), genotypes)
        scored = self._scored(genotypes, psnrs, bicubic_psnr(lr, hr), lam)
        self.spread = self.spread.after(scored)
        told = self.strategy.tell(scored, lam=lam, spread=self.spread)
        return scored, told | {"lam": lam}

    def score_all(self, genotypes: Sequence[Genotype], pictures: tuple[Tensor, Tensor], lam: float) -> list[Scored]:
        """Scores fixed genotypes on fixed pictures (LR and HR)."""
        psnrs = [self.scorer(genotype, *pictures) for genotype in genotypes]
        return self._scored(genotypes, psnrs, bicubic_psnr(*pictures), lam)

    def _scored(
        self, genotypes: Sequence[Genotype], psnrs: Sequence[float], bicubic: float, lam: float
    ) -> list[Scored]:
        self._finite("PSNR of a genotype", [torch.tensor(psnr) for psnr in psnrs])
        scored = []
        for genotype, psnr in zip(genotypes, psnrs, strict=True):
            cost = self.costs(genotype)
            reward = joint_reward(psnr, cost.relative, lam)
            scored.append(Scored(genotype, psnr=psnr, gain=psnr - bicubic, cost=cost, reward=reward))
        return scored

    def _share(self, score: Callable[[Genotype], float], genotypes: Sequence[Genotype]) -> list[float]:
        world, rank = self.fabric.world_size, self.fabric.global_rank
        mine = torch.tensor([score(genotype) for genotype in genotypes[rank::world]], device=self.fabric.device)
        if world == 1:
            return [float(psnr) for psnr in mine]
        gathered = self.fabric.all_gather(mine)  # (processes, share)
        assert isinstance(gathered, Tensor)
        return [float(psnr) for psnr in gathered.t().flatten()]

    def _lam(self, random: Random) -> float:
        return self.spread.lam_between(*self.settings.lam_range, random.random())

    def _finite(self, what: str, values: Sequence[Tensor]) -> float:
        mean = float(torch.stack(list(values)).mean()) if values else 0.0
        if not torch.isfinite(torch.tensor(mean)):
            raise HnasError(
                f"the {what} is {mean} in round {self.round + 1}, so the search stopped; the last good state is kept; "
                "lower lr or set grad_clip, and start anew with --overwrite"
            )
        return mean

    def state_dict(self) -> dict[str, Any]:
        """Everything that :meth:`load_state_dict` needs to go on bit by bit as if nothing had happened."""
        return {
            "supernet": self.supernet.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.model.state_dict() if self.ema else None,
            "strategy": self.strategy.state_dict(),
            "spread": astuple(self.spread),
            "alone": list(self.alone),
            "round": self.round,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what :meth:`state_dict` gave."""
        self.supernet.load_state_dict(state["supernet"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.ema:
            self.ema.model.load_state_dict(state["ema"])
        self.strategy.load_state_dict(state["strategy"])
        # Checkpoints of older versions have neither.
        self.spread, self.alone = Spread(*state.get("spread", ())), list(state.get("alone", ()))
        self.round = state["round"]
        self.seconds = state["seconds"]


def build_supernet(settings: SearchSettings) -> nn.Module:
    """The supernet, its weights drawn from the seed, so that every process starts from the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        supernet = family_of(settings.space, settings).supernet(settings.search_space)
    to_channels_last(supernet)
    return supernet


def run_search(
    searcher: Searcher, run: RunFolder, *, resume: bool = False, progress: SearchProgress | None = None
) -> None:
    """Runs all rounds, with a line of the log, the candidates and, every so often, the full state on disk.

    Args:
        searcher: at its start; with ``resume`` it takes up the folder's checkpoint, if there is one.
        run: an open run folder.
        resume: whether to go on; on CPU, the result is that of an uninterrupted run to the last bit.
        progress: called after every round, in the first process.

    Raises:
        HnasError: a loss is not finite (the last good state stays on disk), or the disk is full.
    """
    fabric, settings, splits = searcher.fabric, searcher.settings, searcher.splits
    pictures = {"the search": listing([*splits.shared, *splits.controller, *splits.validation])}
    if resume:
        state = load_checkpoint(run.checkpoint)
        with taking_up(run.checkpoint):
            if state:
                refuse_other_pictures(state.get("pictures", {}), pictures, where="this run")
                searcher.load_state_dict(state)
            lengths = log_lengths(state)
        on_first_process(fabric, lambda: run.cut_logs(lengths))
    together = settings.batch // settings.w_genotypes
    width = searcher.shared.width
    settle_precision(fabric, run, step=searcher.round, channels=width, patch=settings.patch, batch=together)
    while searcher.round < searcher.rounds:
        line, scored = searcher.run_round()
        last = searcher.round == searcher.rounds
        checkpoint = last or searcher.round % settings.checkpoint_every == 0
        if checkpoint and searcher.trains_shared:
            line["supernet"] = tell_apart(searcher)
        if warnings := complaints(line, scored, settings):
            line["warnings"] = warnings

        def record(line: Mapping[str, Any] = line, scored: Sequence[Scored] = scored) -> None:
            run.append(line)
            for candidate in scored:
                more = {"step": line["step"], "seed": None, "source": settings.strategy}
                run.append(candidate.line(**more, chosen=False), to=CANDIDATES)

        on_first_process(fabric, record)
        if checkpoint:
            _refuse_broken_weights(searcher.supernet, searcher.round)
            on_first_process(
                fabric,
                lambda: save_checkpoint(
                    run.checkpoint,
                    {**searcher.state_dict(), "pictures": pictures, "log_lengths": run.log_lengths()},
                ),
            )
        if progress and fabric.is_global_zero:
            progress(searcher.round, searcher.rounds, line)


def tell_apart(searcher: Searcher) -> dict[str, float]:
    """How well the shared weights tell genotypes apart, on a few genotypes and pictures that are always the same.

    Returns:
        ``gain``: their mean PSNR over bicubic interpolation, dB; ``spread``: the standard deviation of their PSNR, dB;
        ``tau``, where the settings ask for it: Kendall's tau with the PSNR of the first of them trained alone.
    """
    settings, random = searcher.settings, Random(0)
    genotypes = [settings.search_space.sample(random) for _ in range(max(_PROBES, settings.tau_samples))]
    lr, hr = (pictures[:_PROBE_PICTURES] for pictures in searcher.validation)
    gains = torch.tensor([scored.gain for scored in searcher.score_all(genotypes, (lr, hr), 0.5)])
    figures = {"gain": float(gains.mean()), "spread": float(gains.std())}
    if settings.tau_samples:
        if not searcher.alone:
            score = short_scorer(settings, searcher.shared_patches, searcher.fabric)
            searcher.alone = [score(genotype, lr, hr) for genotype in genotypes[: settings.tau_samples]]
        figures["tau"] = kendall_tau(gains[: settings.tau_samples].tolist(), searcher.alone)
    return figures


def average_gradients(parameters: Sequence[nn.Parameter], fabric: Fabric) -> None:
    """Averages gradients over the processes; each has run other genotypes, so each has other gradients missing.

    What no process has used keeps no gradient.
    """
    if fabric.world_size == 1:
        return
    device = fabric.device
    used = torch.tensor([float(parameter.grad is not None) for parameter in parameters], device=device)
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), used])
    mean = fabric.all_reduce(flat, reduce_op="mean")
    assert isinstance(mean, Tensor)
    *parts, used = torch.split(mean, [*(parameter.numel() for parameter in parameters), len(parameters)])
    for parameter, part, share in zip(parameters, parts, used.tolist(), strict=True):
        parameter.grad = part.view_as(parameter).clone() if share else None


def _refuse_broken_weights(supernet: nn.Module, step: int) -> None:
    if not all(bool(parameter.isfinite().all()) for parameter in supernet.parameters()):
        raise HnasError(
            f"a shared weight is not finite after round {step}, so the search stopped; the last good state is kept; "
            "lower lr or set grad_clip, and start anew with --overwrite"
        )


def _means(scored: Sequence[Scored]) -> dict[str, float]:
    return {
        "reward": fmean(candidate.reward.value for candidate in scored),
        "reward_psnr": fmean(candidate.reward.psnr_term for candidate in scored),
        "reward_cost": fmean(candidate.reward.cost_term for candidate in scored),
        "psnr": fmean(candidate.psnr for candidate in scored),
        "worth": fmean(candidate.worth for candidate in scored),
        "gain": fmean(candidate.gain for candidate in scored),
        "macs": fmean(candidate.cost.macs for candidate in scored),
        "cost": fmean(candidate.cost.relative for candidate in scored),
    }


def _mean_numbers(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means of what the updates of a round reported, name by name."""
    means: dict[str, Any] = {}
    for name, value in lines[0].items():
        values = [line[name] for line in lines]
        means[name] = _mean_numbers(values) if isinstance(value, Mapping) else fmean(values)
    return means
