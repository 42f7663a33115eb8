"""What a search shows on stderr while it runs: a live view for a person, a line now and then for a log file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from hnas.cli.minutes import Done, minutes
from hnas.searching.settings import in_words
from hnas.space import read_genotype

#: Called after every round with its number, the number of rounds and its line of the log.
AfterRound = Callable[[int, int, Mapping[str, Any]], None]

#: The last warnings that stay in view, and for how many rounds.
_WARNINGS = 3
_ROUNDS_IN_VIEW = 10


@contextmanager
def search_view() -> Iterator[AfterRound]:
    """Shows a search's progress, reward terms, entropies, best genotype so far, warnings and time left."""
    console = Console(stderr=True)
    if not console.is_terminal:
        with minutes("search") as done:
            yield _lines(done)
        return
    bar = Progress(
        TextColumn("search"), BarColumn(), MofNCompleteColumn(), TextColumn("time left"), TimeRemainingColumn()
    )
    task = bar.add_task("search", total=None)
    seen = _Seen()
    with Live(bar, console=console, refresh_per_second=4) as live:

        def after_round(number: int, rounds: int, line: Mapping[str, Any]) -> None:
            seen.take(line)
            bar.update(task, completed=number, total=rounds)
            live.update(Group(bar, seen.table(), *(Text(f"! {text}", style="yellow") for text in seen.warnings)))

        yield after_round


class _Seen:
    """The latest of everything that a line may or may not hold."""

    def __init__(self) -> None:
        self.line: dict[str, Any] = {}
        self.best: Mapping[str, Any] | None = None
        self._warned: dict[str, tuple[int, str]] = {}  # kind -> round and text

    def take(self, line: Mapping[str, Any]) -> None:
        self.line |= line
        best = line.get("best")
        if best and (self.best is None or best["worth"] > self.best["worth"]):
            self.best = best
        for text in line.get("warnings", []):
            # Numbers change from round to round; a warning of the same kind replaces the one before.
            self._warned[_kind(text)] = (line["step"], text)

    @property
    def warnings(self) -> list[str]:
        """The newest warnings."""
        recent = (text for step, text in self._warned.values() if step > self.line["step"] - _ROUNDS_IN_VIEW)
        return list(recent)[-_WARNINGS:]

    def rows(self) -> list[tuple[str, str]]:
        """Label and figures, for what has been seen so far."""
        line, rows = self.line, []
        if "w_loss" in line:
            rows.append(("shared weights", f"loss {line['w_loss']:.5f}"))
        if "supernet" in line:
            figures = line["supernet"]
            tau = f", tau with training alone {figures['tau']:+.2f}" if "tau" in figures else ""
            text = f"{figures['gain']:+.3f} dB over bicubic, spread {figures['spread']:.3f} dB{tau}"
            rows.append(("random genotypes", text))
        if "reward" in line:
            rows.append(
                (
                    "reward",
                    f"{line['reward']:.4f} = PSNR term {line['reward_psnr']:.4f} - cost term {line['reward_cost']:.4f}",
                )
            )
            rows += [("cost 1 is", in_words(name, value)) for name, value in line.get("cost_reference", {}).items()]
        if "entropy" in line:
            rows.append(("entropy", ", ".join(f"{head} {value:.2f}" for head, value in line["entropy"].items())))
        if self.best:
            rows += [
                ("best so far", f"{self.best['gain']:+.3f} dB over bicubic, {self.best['macs'] / 1e9:.1f} G MACs"),
                ("", genotype_line(self.best["genotype"])),
            ]
        return rows

    def table(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for label, figures in self.rows():
            table.add_row(label, figures)
        return table


def genotype_line(genotype: Mapping[str, Any]) -> str:
    """A genotype, given as plain values, in words."""
    return read_genotype(genotype).summary()


def _kind(warning: str) -> str:
    return "".join(character for character in warning if character.isalpha())


def _lines(done: Done) -> AfterRound:
    seen, warned = _Seen(), set[str]()

    def after_round(number: int, rounds: int, line: Mapping[str, Any]) -> None:
        seen.take(line)
        figures = "  ".join(f"{label}: {text}" for label, text in seen.rows() if label)
        words = f"round {number} of {rounds}  {figures}"
        done(number / rounds, words)
        if number == rounds:
            print(f"search: {words}", file=sys.stderr, flush=True)
        for text in line.get("warnings", []):
            if _kind(text) not in warned:
                warned.add(_kind(text))
                print(f"search: warning in round {number}: {text}", file=sys.stderr, flush=True)

    return after_round
