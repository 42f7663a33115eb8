"""Algorithm 1 of the paper: the shared weights and the strategy that proposes genotypes are trained in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hnas.data.same_pictures import listing, refuse_other_pictures
from hnas.nets import family_of
from hnas.run_files import CANDIDATES
from hnas.searching.health import complaints
from hnas.searching.reward import Scored
from hnas.searching.searcher import Searcher
from hnas.searching.tell_apart import tell_apart
from hnas.training.checkpoint import load_checkpoint, log_lengths, save_checkpoint, taking_up
from hnas.training.devices import on_first_process
from hnas.training.precision import settle_precision
from hnas.training.run_folder import RunFolder

#: Called after every round with its number (from 1), the number of rounds in all, and its line of the log.
SearchProgress = Callable[[int, int, Mapping[str, Any]], None]


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
    fabric, settings = searcher.fabric, searcher.settings
    pictures = _listed(searcher)
    if resume:
        _go_on(searcher, run, pictures)
    width = family_of(settings.space, settings).width(settings.search_space)
    together = settings.batch // settings.w_genotypes
    settle_precision(fabric, run, step=searcher.round, channels=width, patch=settings.patch, batch=together)
    while searcher.round < searcher.rounds:
        line, scored = searcher.run_round()
        last = searcher.round == searcher.rounds
        checkpoint = last or searcher.round % settings.checkpoint_every == 0
        if checkpoint and searcher.trains_shared:
            line["supernet"] = tell_apart(searcher)
        if warnings := complaints(line, scored, settings):
            line["warnings"] = warnings
        _record(searcher, run, line, scored)
        if checkpoint:
            _save(searcher, run, pictures)
        if progress and fabric.is_global_zero:
            progress(searcher.round, searcher.rounds, line)


def _listed(searcher: Searcher) -> dict[str, Any]:
    """What a checkpoint says of the pictures, so that no other ones are gone on with."""
    splits = searcher.pictures.splits
    return {"the search": listing([*splits.shared, *splits.controller, *splits.validation])}


def _go_on(searcher: Searcher, run: RunFolder, pictures: Mapping[str, Any]) -> None:
    """Takes up the last checkpoint, and cuts off the logs what came after it."""
    state = load_checkpoint(run.checkpoint)
    with taking_up(run.checkpoint):
        if state:
            refuse_other_pictures(state["pictures"], pictures, where="this run")
            searcher.load_state_dict(state)
        lengths = log_lengths(state)
    on_first_process(searcher.fabric, lambda: run.cut_logs(lengths))


def _record(searcher: Searcher, run: RunFolder, line: Mapping[str, Any], scored: Sequence[Scored]) -> None:
    """A round's line of the log, and a line for each genotype that it scored."""

    def write() -> None:
        run.append(line)
        for candidate in scored:
            more = {"step": line["step"], "seed": None, "source": searcher.settings.strategy}
            run.append(candidate.line(**more, chosen=False), to=CANDIDATES)

    on_first_process(searcher.fabric, write)


def _save(searcher: Searcher, run: RunFolder, pictures: Mapping[str, Any]) -> None:
    if searcher.weights:
        searcher.weights.refuse_broken(searcher.round)

    def write() -> None:
        state = {**searcher.state_dict(), "pictures": pictures, "log_lengths": run.log_lengths()}
        save_checkpoint(run.checkpoint, state)

    on_first_process(searcher.fabric, write)
