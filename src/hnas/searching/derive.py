"""From a search to one genotype: score fixed genotypes on validation pictures and keep the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from statistics import fmean
from typing import Any

from hnas.errors import HnasError
from hnas.run_files import CANDIDATES
from hnas.searching.latency import machine_of
from hnas.searching.measuring import measured, measured_within
from hnas.searching.pictures import whole_pictures
from hnas.searching.reward import Scored, joint_reward
from hnas.searching.searcher import Searcher
from hnas.searching.settings import Limits, SearchSettings
from hnas.searching.within import Usage
from hnas.space import Genotype
from hnas.training.devices import on_first_process
from hnas.training.run_folder import RunFolder

#: Genotypes that a derivation trains alone where that is how genotypes are scored and nobody asked for more.
_MOST_TRAINED_ALONE = 16


@dataclass(frozen=True)
class Derived:
    """What a derivation found.

    Attributes:
        best: the genotype to train, with its scores on the validation pictures.
        candidates: all that were scored, best first.
        whole_space: whether they are all genotypes that there are within the limits.
        limits: what the best keeps; milliseconds as they were measured.
        timed_on: where milliseconds were measured, in words; empty where none were.
    """

    best: Scored
    candidates: tuple[Scored, ...]
    whole_space: bool = False
    limits: Limits = field(default_factory=Limits)
    timed_on: str = ""

    @property
    def missed(self) -> tuple[Scored, ...]:
        """Those that were within the limit of latency by prediction, and not by measurement."""
        limit = self.limits.latency
        return tuple(one for one in self.candidates if limit and one.cost.measured and (one.cost.latency or 0) > limit)

    def summary(self) -> dict[str, Any]:
        """The best as plain values, how many it was chosen from, and how many missed the limit of latency."""
        return {**self.line(self.best), "candidates": len(self.candidates), "missed": len(self.missed)}

    def line(self, one: Scored, **more: Any) -> dict[str, Any]:
        """A line of candidates.jsonl: of one whose milliseconds were measured, also where, and the limit."""
        if one.cost.measured:
            more |= {"timed_on": self.timed_on}
            more |= {"limit_ms": self.limits.latency} if self.limits.latency else {}
        return one.line(**more)

    def sentence(self) -> str:
        """The best in one line for a person."""
        best = self.best
        latency = "" if best.cost.latency is None else f", {self._milliseconds()}"
        digits = 0 if best.cost.params >= 1e3 else 1
        return (
            f"best of {'all ' * self.whole_space}{len(self.candidates)}: "
            f"{best.psnr:.3f} dB ({best.gain:+.3f} over bicubic), "
            f"{best.cost.macs / 1e9:.1f} G multiply-adds, {best.cost.params / 1e3:.{digits}f} k parameters{latency}"
        )

    def _milliseconds(self) -> str:
        cost, limit = self.best.cost, self.limits.latency
        said = [f"predicted {cost.predicted:.1f} ms"] if cost.predicted is not None else []
        said.append(f"{'measured' if cost.measured else 'predicted'} {cost.latency:.1f} ms")
        said += [f"limit {limit:g} ms"] if limit else []
        words = ", ".join(said)
        if self.timed_on:
            words += f" ({self.timed_on})"
        if self.missed:
            words += f"; {len(self.missed)} measured ones missed the limit"
        return words


def derive_genotype(
    searcher: Searcher,
    *,
    count: int | None = None,
    limits: Limits | None = None,
    lam: float | None = None,
    say: Callable[[str], None] = lambda words: None,
) -> Derived:
    """Scores what the strategy of a finished search proposes on the middle of the validation pictures.

    Several processes share the scoring. All of them call this, and have the result.

    The best has the highest reward for lambda. Under limits and without a lambda it has the highest PSNR, because
    the limits then say all there is to say about cost; so it has where the settings say so, as the paper does.
    Milliseconds of a limit are predicted for what is scored and measured, on whole networks, of what is chosen.

    Args:
        searcher: at the end of its search.
        count: genotypes to score; by default ``derive_samples``, but at most 16 where each must be trained alone.
        limits: hard limits at the target size; those of the search by default.
        lam: weight of PSNR; by default that of the search, and for a range of lambdas, values spread over it.
        say: is told of finalists that miss the limit of latency.

    Raises:
        HnasError: nothing within the limits, nothing that keeps the limit of latency when measured, or lambda outside
            what was searched.
    """
    settings = searcher.settings
    low, high = settings.lam_range
    if lam is not None and not low <= lam <= high:
        raise HnasError(f"lam is {lam}; this search was made for {settings.lam}")
    limited = limits if limits is not None else settings.limits
    by_psnr = lam is None and (settings.derive_by == "psnr" or (limits is not None and limits != Limits()))
    usage = searcher.costs.usage(limited)
    if count is not None and count < 1:
        raise HnasError(f"samples is {count}; allowed are 1 and more")
    if settings.exhausts:
        proposed = [genotype for genotype in settings.search_space if usage(genotype) <= 1.0]
    else:
        proposed = _finalists(searcher, usage, count, lam)
    if not proposed:
        raise HnasError("the search proposes nothing within these limits; raise them")
    middle = lam if lam is not None else searcher.spread.lam_between(low, high, 0.5)
    scored = validated(searcher, proposed, middle)

    def worth(one: Scored) -> float:
        return one.psnr if by_psnr else one.reward.value

    limit, timed_on = limited.latency, ""
    if limit or settings.measure:
        machine = machine_of(settings, searcher.fabric.device)
        timed_on = f"{machine.words}, {machine.precision}, {machine.processor}"

        def timed(scored: list[Scored] = scored) -> list[Scored]:
            if limit:
                return measured_within(settings, scored, machine, limit=limit, worth=worth, say=say)
            return measured(settings, scored, machine)

        scored = on_first_process(searcher.fabric, timed)  # times of one machine, and nothing else at work on it
    ranked = sorted(scored, key=worth, reverse=True)
    chosen = next(one for one in ranked if keeps(one, limit))
    return Derived(chosen, tuple(ranked), whole_space=settings.exhausts, limits=limited, timed_on=timed_on)


def validated(searcher: Searcher, genotypes: Sequence[Genotype], lam: float) -> list[Scored]:
    """Genotypes with what they score on the validation pictures: on their middle crops, or on the whole of each."""
    settings = searcher.settings
    if settings.derive_patch:
        return searcher.score_all(genotypes, searcher.pictures.validation, lam)
    pictures = whole_pictures(searcher.pictures.splits.validation, limit=settings.derive_pictures)
    device = searcher.fabric.device
    on_each = [searcher.score_all(genotypes, (lr.to(device), hr.to(device)), lam) for lr, hr in pictures]
    scored = []
    for each in zip(*on_each, strict=True):
        psnr = fmean(one.psnr for one in each)
        reward = joint_reward(psnr, each[0].cost.relative, lam)
        scored.append(replace(each[0], psnr=psnr, gain=fmean(one.gain for one in each), reward=reward))
    return scored


def keeps(scored: Scored, limit: float) -> bool:
    """Whether a network keeps a limit of latency by its measurement; a prediction is not enough.

    Args:
        scored: within all other limits, which were kept before anything was scored.
        limit: milliseconds; 0 is none.
    """
    cost = scored.cost
    return not limit or (cost.measured and cost.latency is not None and cost.latency <= limit)


def _finalists(searcher: Searcher, usage: Usage, count: int | None, lam: float | None) -> list[Genotype]:
    """What the strategy of a search proposes within limits."""
    settings = searcher.settings
    strategy = searcher.propose_within(usage)
    strategy.load_state_dict(searcher.strategy.state_dict())
    proposed: dict[Genotype, None] = {}
    if count is None:
        alone = settings.scorer == "short"
        count = min(settings.derive_samples, _MOST_TRAINED_ALONE) if alone else settings.derive_samples
    steps = [lam] if lam is not None else spread_lambdas(searcher, count)
    for index, step_lam in enumerate(steps):
        random = Random(f"{settings.seed} derive {index}")
        # What one lambda proposed before leaves room for more of the next.
        share = -(-(count - len(proposed)) // (len(steps) - index))
        finalists = strategy.finalists(share, lam=step_lam, random=random)
        proposed.update(dict.fromkeys(genotype for genotype in finalists if usage(genotype) <= 1.0))
    return list(proposed)


def record(derived: Derived, run: RunFolder, *, step: int) -> None:
    """Adds the candidates to candidates.jsonl, the chosen one marked; they are on the disk by the end.

    Raises:
        HnasError: the disk is full or not writable.
    """
    for candidate in derived.candidates:
        more = {"step": step, "seed": None, "source": "derive", "chosen": candidate is derived.best}
        run.append(derived.line(candidate, **more), to=CANDIDATES)
    run.log_lengths()  # before the result, which says that the run is finished


def recorded(run: RunFolder, settings: SearchSettings) -> Derived:
    """What the derivation at the end of a search found, as candidates.jsonl tells it.

    Args:
        run: of a search from which nothing was derived since.
        settings: of the search.

    Raises:
        HnasError: there is none, or the file is damaged.
    """
    lines = [line for line in run.lines(CANDIDATES) if line.get("source") == "derive"]
    try:
        scored = tuple(Scored.from_line(line) for line in lines)
        best = next(one for one, line in zip(scored, lines, strict=True) if line["chosen"])
        return Derived(best, scored, settings.exhausts, settings.limits, str(lines[0].get("timed_on", "")))
    except (StopIteration, KeyError, TypeError, ZeroDivisionError) as error:
        raise HnasError(f"{run.path / CANDIDATES}: has no derivation; make one with hnas derive") from error


def spread_lambdas(searcher: Searcher, count: int) -> Sequence[float]:
    """A few values of lambda over the range of a search; one where the range is a point."""
    low, high = searcher.settings.lam_range
    parts = min(count, 8) if low < high else 1
    if parts == 1:
        return [searcher.spread.lam_between(low, high, 0.5)]
    return [searcher.spread.lam_between(low, high, index / (parts - 1)) for index in range(parts)]
