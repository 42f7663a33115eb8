"""What ``hnas upscale`` says while it works, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hnas.deploy.enlarge.files import Outcome
    from hnas.deploy.enlarge.planning import Plan


class Loudness(IntEnum):
    """How much is said: errors alone, what a person needs to know, or everything."""

    QUIET = 0
    USUAL = 1
    VERBOSE = 2


@dataclass
class View:
    """Says what becomes of pictures.

    Attributes:
        loudness: how much is said.
        lines: whether each picture has a line of its own: where stderr is no terminal, or results have no given place.
    """

    loudness: Loudness
    lines: bool
    _began: float = 0.0

    @classmethod
    def of(cls, quiet: bool, verbose: bool, unplaced: bool) -> View:
        """The view that was asked for; `unplaced` says that nobody said where results go."""
        loudness = Loudness.QUIET if quiet else Loudness.VERBOSE if verbose else Loudness.USUAL
        return cls(loudness, verbose or unplaced or not sys.stderr.isatty(), monotonic())

    @property
    def is_quiet(self) -> bool:
        """Whether nothing but errors is said."""
        return self.loudness == Loudness.QUIET

    def note(self, words: str) -> None:
        """Something that is different from what one may expect."""
        if self.loudness:
            print(f"hnas: note: {words}", file=sys.stderr)

    def plan(self, plan: Plan) -> None:
        """What was left out; the files one by one where everything is said."""
        for words in plan.notes:
            self.note(words)
        if self.loudness == Loudness.VERBOSE:
            for path in plan.passed_over:
                print(f"passed over: {path}", file=sys.stderr)

    def done(self, outcome: Outcome) -> None:
        """The line of a picture, and its notes."""
        if self.loudness and self.lines and outcome.status != "failed":
            took = f" ({monotonic() - self._began:.1f} s)" if self.loudness == Loudness.VERBOSE else ""
            skipped = " is there already" if outcome.status == "skipped" else took
            print(f"{outcome.job.source} -> {outcome.job.target}{skipped}", file=sys.stderr, flush=True)
        for words in outcome.notes:
            self.note(f"{outcome.job.source}: {words}")
        self._began = monotonic()

    def summary(self, outcomes: Sequence[Outcome], planned: int) -> None:
        """Errors, and how many pictures came to what."""
        for outcome in outcomes:
            if outcome.error:
                print(f"hnas: error: {outcome.error}", file=sys.stderr)
        if not self.loudness:
            return
        counts = {
            status: sum(outcome.status == status for outcome in outcomes) for status in ("done", "skipped", "failed")
        }
        counts["not begun"] = planned - len(outcomes)
        said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        print(f"{planned} pictures: {said}", file=sys.stderr)
