"""What is to be concluded from a study of many seeds: who is better than chance, and who is worth its complexity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from hnas.searching.study.paired import Paired, holm, paired

#: Every strategy, the simplest first: without a state, without a network of its own, with one, with several levels.
#: Those of other packages follow in the order of the study.
SIMPLEST_FIRST = (
    *("random", "local-search", "evolution", "nsga2", "optuna:tpe", "darts"),
    *("nas-rl", "enas", "controller-flat", "controller", "ppo"),
)
#: Of what chance alone brings about once in 20 times, nothing is concluded.
_CHANCE = 0.05


def conclusions(strategies: Mapping[str, Any]) -> dict[str, Any]:
    """Comparisons by the regrets at the end of each search, smaller being better.

    Args:
        strategies: by name; each has ``regrets``, for every seed one or more, the last of which counts.

    Returns:
        ``chance``: each against uniform sampling; ``complexity``: from the simplest on, each against the best so far;
        ``hierarchy``: the controller against that which draws the network level uniformly. Each is a line with the
        names (``strategy``, ``than``), the fields of :class:`~hnas.searching.study.paired.Paired` and ``told_apart``:
        1 better, -1 worse, 0 by no more than chance. Empty where the strategies were not compared.
    """
    others = [name for name in strategies if name != "random"] if "random" in strategies else []
    found = [_compared(strategies, name, "random") for name in others]
    corrected = holm([one.p for one in found])
    both = {"controller", "controller-flat"} <= strategies.keys()
    return {
        "chance": [
            _line(name, "random", replace(one, p=p)) for name, one, p in zip(others, found, corrected, strict=True)
        ],
        "complexity": _worth_their_complexity(strategies),
        "hierarchy": _line("controller", "controller-flat", _compared(strategies, "controller", "controller-flat"))
        if both
        else {},
    }


def _worth_their_complexity(strategies: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Best so far is who was better beyond chance than the best before; p is corrected by the number of comparisons."""
    names = [name for name in SIMPLEST_FIRST if name in strategies]
    names += [name for name in strategies if name not in SIMPLEST_FIRST]
    lines, best = [], names[0]
    for name in names[1:]:
        found = _compared(strategies, name, best)
        lines.append(_line(name, best, replace(found, p=min(1.0, found.p * (len(names) - 1)))))
        if lines[-1]["told_apart"] > 0:
            best = name
    return lines


def _compared(strategies: Mapping[str, Any], first: str, second: str) -> Paired:
    """By how much less the regret of the first is, seed by seed."""
    finals = {name: [regrets[-1] for regrets in strategies[name]["regrets"]] for name in (first, second)}
    return paired(finals[second], finals[first])


def _line(name: str, other: str, found: Paired) -> dict[str, Any]:
    told_apart = 0 if found.p >= _CHANCE else 1 if found.mean > 0 else -1
    return {"strategy": name, "than": other, **asdict(found), "told_apart": told_apart}
