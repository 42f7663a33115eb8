"""Several things timed in turns: what else the machine does meanwhile then falls on all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

#: What is timed, made anew in every turn, so that memory holds one at a time.
Make = Callable[[], Callable[[], object]]


def medians_in_turns(
    makers: Mapping[str, Make], *, rounds: int, on_turn: Callable[[str], None] | None = None
) -> dict[str, float]:
    """The median seconds of each over so many rounds; in every round each runs once unseen and once timed.

    Args:
        makers: by name; each gives what is called, and what that holds is let go after its turn.
        rounds: at least one.
        on_turn: called before every turn with the name.
    """
    seconds: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            if on_turn:
                on_turn(name)
            run = make()
            run()  # comes by the memory that the next call keeps
            began = perf_counter()
            run()
            seconds[name].append(perf_counter() - began)
    return {name: median(values) for name, values in seconds.items()}
