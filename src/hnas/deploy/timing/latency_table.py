"""Milliseconds of any genotype of a space, from those of a few whole networks that were measured once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isclose
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from hnas import values
from hnas.errors import HnasError
from hnas.ranking import kendall_tau

FORMAT = "hnas-latency/2"
#: A table that its check finds worse than this predicts too badly to search by.
MOST_ERROR, LEAST_TAU = 0.20, 0.8
#: What keeps the fit from putting all of two parts that always come together on one of them: a relative weight.
_EVEN = 0.03
#: What to do about a table that is refused.
REMEDY = "measure it anew while little else runs here, with more --repeats, or with a larger --lr-size"


@dataclass(frozen=True)
class LatencyCheck:
    """How well a table predicted whole networks that were measured after it was made.

    Attributes:
        predicted_ms, measured_ms: of each network.
        median_error: the median of ``|predicted / measured - 1|``.
        kendall_tau: between the two; 1 of a single network, which needs no ranking.
    """

    predicted_ms: tuple[float, ...]
    measured_ms: tuple[float, ...]
    median_error: float
    kendall_tau: float

    @classmethod
    def of(cls, predicted: Sequence[float], measured: Sequence[float]) -> LatencyCheck:
        """With its figures.

        Args:
            predicted: ms.
            measured: ms, above 0, of the same networks.
        """
        errors = [abs(one / other - 1.0) for one, other in zip(predicted, measured, strict=True)]
        tau = kendall_tau(predicted, measured) if len(predicted) > 1 else 1.0
        return cls(tuple(predicted), tuple(measured), median(errors), tau)

    @property
    def good(self) -> bool:
        """Whether a search may rely on the table."""
        return self.median_error <= MOST_ERROR and self.kendall_tau >= LEAST_TAU

    @property
    def words(self) -> str:
        """The figures for a person."""
        return f"median error {self.median_error:.1%}, Kendall's tau {self.kendall_tau:.2f}"


@dataclass(frozen=True)
class LatencyTable:
    """Milliseconds of every part that the networks of a space are made of; those of a network add up.

    Attributes:
        machine: what ran them: ``backend``, ``threads``, ``device``, ``precision``, ``lr_size`` (height, width),
            ``runtime`` with its version, and ``processor``.
        space: the space's settings, and of the networks what else time hangs on, such as the scale.
        milliseconds: by part.
        networks: how many were measured to find them.
        check: what became of predictions.
    """

    machine: Mapping[str, Any]
    space: Mapping[str, Any]
    milliseconds: Mapping[str, float]
    networks: int
    check: LatencyCheck

    def predict(self, parts: Mapping[str, int]) -> float:
        """The milliseconds of a network.

        Args:
            parts: how often it has each.

        Raises:
            HnasError: a part that was not measured.
        """
        if missing := parts.keys() - self.milliseconds.keys():
            raise HnasError(f"the latency table lacks {', '.join(sorted(missing))}; measure it anew for this space")
        return sum(count * self.milliseconds[part] for part, count in parts.items())

    def refuse_bad(self) -> None:
        """Raises what to do where the check found it worse than :data:`MOST_ERROR` or :data:`LEAST_TAU`.

        Raises:
            HnasError: the table is not to be relied on.
        """
        if not self.check.good:
            raise HnasError(
                f"the latency table is refused: its check on {len(self.check.measured_ms)} whole networks found "
                f"{self.check.words}; allowed are at most {MOST_ERROR:.0%} and at least {LEAST_TAU}; {REMEDY}"
            )

    def differences(self, machine: Mapping[str, Any], space: Mapping[str, Any]) -> list[str]:
        """In which the table is of another machine, runtime or space than these, in words; empty if in nothing.

        Args:
            machine: as :attr:`machine`.
            space: as :attr:`space`.
        """
        wanted, own = plain({**machine, **space}), plain({**self.machine, **self.space})
        return [
            f"{name} {_shown(own.get(name))}, not {_shown(wanted[name])}"
            for name in wanted
            if wanted[name] != own.get(name)
        ]

    def refuse_other(self, machine: Mapping[str, Any], space: Mapping[str, Any]) -> None:
        """Raises what differs where the table is of another machine, runtime or space than these.

        Raises:
            HnasError: names the first few differences.
        """
        if different := self.differences(machine, space):
            raise HnasError(
                f"the latency table was measured for {'; '.join(different[:3])}; measure one here for this search "
                "(hnas profile --build-table), or leave --latency-table out, and the search does"
            )

    @property
    def words(self) -> str:
        """What it was measured on, in a few words."""
        said = self.machine
        where = f"{said.get('threads')} threads of {said.get('processor')}"
        if said.get("device") != "cpu":
            where = str(said.get("processor"))
        return f"{_shown(said.get('lr_size'))} with {said.get('runtime')}, {said.get('precision')}, {where}"

    def to_json(self) -> str:
        """The table as one JSON object of the format ``hnas-latency/2``."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_dict(cls, value: object) -> LatencyTable:
        """Reads the object of :meth:`to_json`.

        Raises:
            HnasError: it is no table.
        """
        if not isinstance(value, Mapping) or value.get("format") != FORMAT:
            raise HnasError(f"not a latency table of the format {FORMAT}; measure one with hnas profile --build-table")
        try:
            said = values.mapping("check", value.get("check"))
            check = LatencyCheck(
                _times("predicted_ms", said),
                _times("measured_ms", said),
                values.number("median_error", said.get("median_error")),
                values.number("kendall_tau", said.get("kendall_tau")),
            )
            found = LatencyCheck.of(check.predicted_ms, check.measured_ms)
            if not isclose(found.median_error, check.median_error, abs_tol=1e-6) or not isclose(
                found.kendall_tau, check.kendall_tau, abs_tol=1e-6
            ):
                raise ValueError("the figures of its check are not those of the networks beside them")
            measured = values.mapping("milliseconds", value.get("milliseconds"))
            return cls(
                machine=dict(values.mapping("machine", value.get("machine"))),
                space=dict(values.mapping("space", value.get("space"))),
                milliseconds={str(part): values.number(str(part), time) for part, time in measured.items()},
                networks=values.whole_number("networks", value.get("networks")),
                check=check,
            )
        except (ValueError, ArithmeticError) as error:  # HnasError is a ValueError
            raise HnasError(f"the latency table is damaged ({error}); measure it anew") from error


def _times(name: str, check: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(values.number(f"a time in {name}", time) for time in values.sequence(name, check.get(name)))


def load_latency_table(path: str | Path) -> LatencyTable:
    """A table from its file.

    Raises:
        HnasError: no such file, or no table.
    """
    value = values.read_json(Path(path), advice=f"measure a latency table with hnas profile --build-table {path}")
    try:
        return LatencyTable.from_dict(value)
    except HnasError as error:
        raise HnasError(f"{path}: {error}") from error


def fit_parts(networks: Sequence[Mapping[str, int]], measured: Sequence[float]) -> dict[str, float]:
    """The milliseconds of parts, 0 or more, whose sums come nearest to what whole networks took.

    Least squares of relative errors. Parts that these networks do not tell apart share what they take evenly.

    Args:
        networks: how often each has its parts.
        measured: ms of each, above 0.
    """
    from scipy.optimize import nnls

    names = sorted({name for parts in networks for name in parts})
    times = np.array(measured, np.float64)
    counts = np.array([[parts.get(name, 0) for name in names] for parts in networks], np.float64)
    shares = counts / times[:, None]
    scale = 1.0 / np.maximum(shares.mean(axis=0), 1e-12)  # every column in units of its usual share of a network
    even = _EVEN * np.eye(len(names))
    found, _ = nnls(
        np.vstack([shares * scale, even]),
        np.concatenate([np.ones(len(times)), np.full(len(names), _EVEN / len(names))]),
    )
    return {name: float(value) for name, value in zip(names, found * scale, strict=True)}


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON gives it back: lists for tuples."""
    return dict(json.loads(json.dumps(value)))


def _shown(value: object) -> str:
    return (
        "x".join(map(str, value))
        if isinstance(value, list) and all(isinstance(one, int) for one in value)
        else f"{value}"
    )
