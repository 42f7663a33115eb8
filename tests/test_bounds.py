from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan
from typing import Literal

import pytest

from hnas.bounds import refuse_below, refuse_not_above_zero, refuse_unlisted
from hnas.errors import HnasError


@dataclass(frozen=True)
class Settings:
    steps: float = 1
    loss: Literal["l1", "l2"] = "l1"


def test_values_on_their_bounds_pass() -> None:
    refuse_below(1, Settings(), "steps")
    refuse_not_above_zero(Settings(5e-324), "steps")
    refuse_unlisted(Settings(loss="l2"))


@pytest.mark.parametrize("value", [0, -inf, inf, nan])
def test_values_below_and_values_that_are_no_number_are_refused(value: float) -> None:
    with pytest.raises(HnasError, match=f"steps is {value}; allowed is 1 and more"):
        refuse_below(1, Settings(value), "steps")
    with pytest.raises(HnasError, match=f"steps is {value}; allowed is a number above 0"):
        refuse_not_above_zero(Settings(value), "steps")


def test_a_word_that_is_not_listed_is_refused_with_those_that_are() -> None:
    with pytest.raises(HnasError, match="loss is 'mse'; allowed are l1, l2"):
        refuse_unlisted(Settings(loss="mse"))  # type: ignore[arg-type]
