"""From a search to one genotype: score fixed genotypes on validation pictures and keep the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hnas.errors import HnasError
from hnas.searching.algorithm import Searcher
from hnas.searching.measuring import measured
from hnas.searching.reward import Scored
from hnas.searching.settings import Limits
from hnas.searching.strategies import build_strategy
from hnas.searching.within import Usage
from hnas.space import Genotype
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
    """

    best: Scored
    candidates: tuple[Scored, ...]
    whole_space: bool = False

    def summary(self) -> dict[str, Any]:
        """The best as plain values, and how many it was chosen from."""
        return {**self.best.line(), "candidates": len(self.candidates)}

    def sentence(self) -> str:
        """The best in one line for a person."""
        best = self.best
        latency = "" if best.cost.latency is None else f", {best.cost.latency:.1f} ms"
        return (
            f"best of {'all ' * self.whole_space}{len(self.candidates)}: "
            f"{best.psnr:.3f} dB ({best.gain:+.3f} over bicubic), "
            f"{best.cost.macs / 1e9:.1f} G multiply-adds, {best.cost.params / 1e3:.0f} k parameters{latency}"
        )


def derive_genotype(
    searcher: Searcher,
    *,
    count: int | None = None,
    limits: Limits | None = None,
    lam: float | None = None,
) -> Derived:
    """Scores what the strategy of a finished search proposes on the middle of the validation pictures.

    The best has the highest reward for lambda. Under limits and without a lambda it has the highest PSNR, because
    the limits then say all there is to say about cost.

    Args:
        searcher: at the end of its search.
        count: genotypes to score; by default ``derive_samples``, but at most 16 where each must be trained alone.
        limits: hard limits at the target size; those of the search by default.
        lam: weight of PSNR; by default that of the search, and for a range of lambdas, values spread over it.

    Raises:
        HnasError: nothing within the limits, or lambda outside what was searched.
    """
    settings = searcher.settings
    low, high = settings.lam_range
    if lam is not None and not low <= lam <= high:
        raise HnasError(f"lam is {lam}; this search was made for {settings.lam}")
    limited = limits if limits is not None else settings.limits
    by_psnr = lam is None and limits is not None and limits != Limits()
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
    scored = searcher.score_all(proposed, searcher.validation, middle)
    if settings.measure:
        scored = measured(searcher, scored, limited.latency)
    worth = (lambda one: one.psnr) if by_psnr else (lambda one: one.reward.value)
    ranked = sorted(scored, key=worth, reverse=True)
    chosen = next(one for one in ranked if _within(one, limited, timed=settings.measure > 0))
    return Derived(chosen, tuple(ranked), whole_space=settings.exhausts)


def _within(scored: Scored, limits: Limits, *, timed: bool) -> bool:
    """Whether milliseconds, where they count, are few enough, and measured where that was done (``timed``).

    All other limits, and those of a latency table, were kept before anything was scored.
    """
    if not limits.latency or not timed:
        return True
    return scored.cost.measured and scored.cost.latency is not None and scored.cost.latency <= limits.latency


def _finalists(searcher: Searcher, usage: Usage, count: int | None, lam: float | None) -> list[Genotype]:
    """What the strategy of a search proposes within limits."""
    settings = searcher.settings
    strategy = build_strategy(settings, usage)
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
    """Adds the candidates to candidates.jsonl, the chosen one marked."""
    for candidate in derived.candidates:
        more = {"step": step, "seed": None, "source": "derive", "chosen": candidate is derived.best}
        run.append(candidate.line(**more), to="candidates.jsonl")


def recorded(run: RunFolder, *, whole_space: bool) -> Derived:
    """What the last derivation of a run found, as candidates.jsonl tells it.

    Args:
        run: of a search.
        whole_space: whether the search scored all genotypes that there are.

    Raises:
        HnasError: there is none, or the file is damaged.
    """
    lines = [line for line in run.lines("candidates.jsonl") if line.get("source") == "derive"]
    chosen = [place for place, line in enumerate(lines) if line.get("chosen") is True]
    try:
        best = Scored.from_line(lines[chosen[-1]])
        # Every derivation marks one, so the last one's lines come after the mark before.
        first = chosen[-2] + 1 if len(chosen) > 1 else 0
        return Derived(best, tuple(Scored.from_line(line) for line in lines[first:]), whole_space)
    except (IndexError, KeyError, TypeError, ZeroDivisionError) as error:
        raise HnasError(f"{run.path}: candidates.jsonl has no derivation; make one with hnas derive") from error


def spread_lambdas(searcher: Searcher, count: int) -> Sequence[float]:
    """A few values of lambda over the range of a search; one where the range is a point."""
    low, high = searcher.settings.lam_range
    parts = min(count, 8) if low < high else 1
    if parts == 1:
        return [searcher.spread.lam_between(low, high, 0.5)]
    return [searcher.spread.lam_between(low, high, index / (parts - 1)) for index in range(parts)]
