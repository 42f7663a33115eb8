"""Which runtime is taken, by made times."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hnas.deploy.design.quickest import one_to_try, quickest, time_runtimes
from hnas.errors import HnasError
from tests.deploy.made_family import candidate

FAMILY = [candidate(f"n{at}", 30.0 + at, macs=at * 10**9) for at in (1, 2, 4, 8)]


def test_the_network_near_the_limit_is_tried() -> None:
    assert one_to_try(FAMILY, 10.0, 45.0).name == "n4"  # which should take 40 ms
    assert one_to_try(FAMILY, 10.0, 1000.0).name == "n8"
    assert one_to_try(FAMILY, 10.0, 1.0).name == "n1"
    assert one_to_try(FAMILY, 10.0, None).name == "n4"


def test_a_later_runtime_must_be_clearly_faster() -> None:
    assert quickest({"onnx": 10.0, "openvino": 9.8, "torch": 30.0}) == "onnx"
    assert quickest({"onnx": 10.0, "openvino": 9.0, "torch": 30.0}) == "openvino"
    assert quickest({"onnx": 10.0, "openvino": 9.0, "torch": 5.0}) == "torch"


def _fails() -> float:
    raise HnasError("cannot load it")


def test_times_are_medians_of_turns_and_a_runtime_that_fails_is_left_out() -> None:
    answers = {"onnx": iter([30.0, 10.0, 11.0]), "openvino": iter([5.0, 9.0, 7.0])}
    turns: dict[str, Callable[[], float]] = {name: found.__next__ for name, found in answers.items()}
    turns["torch"] = _fails
    assert time_runtimes(turns, most=3) == {"onnx": 11.0, "openvino": 7.0}  # type: ignore[arg-type]


def test_two_rounds_are_done_however_long_they_take() -> None:
    seconds = iter([0.0, 100.0])
    answers = iter([1.0, 3.0])
    assert time_runtimes({"onnx": answers.__next__}, seconds=1.0, most=9, now=seconds.__next__) == {"onnx": 2.0}


def test_where_none_runs_it_the_reason_is_told() -> None:
    with pytest.raises(HnasError, match="cannot load it"):
        time_runtimes({"torch": _fails})
