"""The candidates of a run as its file has them: who is best, and what was drawn early and late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hnas import ranking
from hnas.errors import HnasError
from hnas.space import Genotype, read_genotype
from hnas.values import finite_or_none


@dataclass(frozen=True)
class Candidate:
    """One genotype and how it scored.

    Attributes:
        psnr: dB, on what ``source`` scores on: all of one source compare, those of two need not.
        gain: the same less bicubic's PSNR on the same pictures, dB, which compares better; None where unknown.
        macs: multiply-adds.
        milliseconds: measured on the whole network; None where it was not.
        limit_ms: what it was to keep; None without such a limit.
        source: who proposed it; "derive" are the finalists, scored on the same validation pictures.
        chosen: the one that the search ended with.
        record: the whole line.
    """

    genotype: Genotype
    psnr: float
    gain: float | None
    macs: float
    milliseconds: float | None
    limit_ms: float | None
    source: str
    chosen: bool
    record: Mapping[str, Any]

    @property
    def kept(self) -> bool | None:
        """Whether the measured time keeps the limit; None without a limit or a measurement."""
        if self.limit_ms is None or self.milliseconds is None:
            return None
        return self.milliseconds <= self.limit_ms


def read_candidate(where: str, line: Mapping[str, Any]) -> Candidate:
    """A candidate from a line of a run's file.

    Args:
        where: the file and the line.
        line: its values.

    Raises:
        HnasError: it is none.
    """
    psnr, macs = finite_or_none(line.get("psnr")), finite_or_none(line.get("macs"))
    if psnr is None or macs is None:
        raise HnasError(f"{where}: a candidate needs a genotype, psnr and macs, finite; take the line out")
    try:
        genotype = read_genotype(line.get("genotype"))
    except HnasError as error:
        raise HnasError(f"{where}: {error}") from error
    return Candidate(
        genotype=genotype,
        psnr=psnr,
        gain=finite_or_none(line.get("gain")),
        macs=macs,
        milliseconds=finite_or_none(line.get("latency_ms")) if line.get("latency_measured") is True else None,
        limit_ms=finite_or_none(line.get("limit_ms")),
        source=str(line.get("source", "")),
        chosen=line.get("chosen") is True,
        record=line,
    )


@dataclass(frozen=True)
class Compared:
    """Candidates by what compares them.

    Attributes:
        candidates: those that compare, in the order of the run.
        by_time: cost is measured milliseconds, and candidates that were not timed are left out; else multiply-adds.
        over_bicubic: quality is the PSNR over bicubic's on the same pictures, since every candidate has it.
        front: the Pareto front, cheapest first.
        of_derived: the front is that of the finalists, which were scored on the same pictures.
    """

    candidates: Sequence[Candidate]
    by_time: bool
    over_bicubic: bool
    front: Sequence[Candidate]
    of_derived: bool

    def quality(self, candidate: Candidate) -> float:
        """dB."""
        return candidate.gain if self.over_bicubic and candidate.gain is not None else candidate.psnr

    def cost(self, candidate: Candidate) -> float:
        """Milliseconds, or billions of multiply-adds."""
        return candidate.milliseconds if self.by_time and candidate.milliseconds is not None else candidate.macs / 1e9


def compare(candidates: Sequence[Candidate]) -> Compared:
    """Compares the candidates of a run by time where two or more were timed, by gain where all have one."""
    timed = [candidate for candidate in candidates if candidate.milliseconds is not None]
    by_time = len(timed) > 1
    compared = timed if by_time else list(candidates)
    derived = [candidate for candidate in compared if candidate.source == "derive"]
    over_bicubic = all(candidate.gain is not None for candidate in compared)
    found = Compared(compared, by_time, over_bicubic, (), bool(derived))
    front = ranking.front(derived or compared, cost=found.cost, quality=found.quality)
    return Compared(compared, by_time, over_bicubic, front, bool(derived))


def shares(genotypes: Iterable[Genotype]) -> dict[str, dict[str, float]]:
    """How often each answer was given to each question of the space: 0 to 1, together 1 for a question."""
    counts: dict[str, Counter[str]] = {}
    for genotype in genotypes:
        for question, answers in genotype.chosen().items():
            counts.setdefault(question, Counter()).update(answers)
    return {
        question: {answer: count / found.total() for answer, count in found.items()}
        for question, found in counts.items()
    }


def early_and_late(candidates: Sequence[Candidate]) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """:func:`shares` of the first and of the last third of what a search drew; empty for fewer than three."""
    drawn = [candidate.genotype for candidate in candidates if candidate.source != "derive"]
    third = len(drawn) // 3
    return shares(drawn[:third]), shares(drawn[len(drawn) - third :])
