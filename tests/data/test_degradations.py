"""Every kind of degradation keeps the promises of all of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hnas.conformance import DEGRADATION_PROMISES
from hnas.data.degradations import DEGRADATIONS


@pytest.mark.parametrize("promise", DEGRADATION_PROMISES)
@pytest.mark.parametrize("name", DEGRADATIONS)
def test_degradations_keep_their_promises(promise: Callable[[str], None], name: str) -> None:
    promise(name)
