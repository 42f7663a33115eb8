"""Strategies that know one lambda only."""

from __future__ import annotations

from hnas.errors import HnasError
from hnas.searching.settings import SearchSettings


def refuse_range(settings: SearchSettings) -> None:
    """For strategies whose state is about one lambda.

    Raises:
        HnasError: the settings ask for a range.
    """
    if settings.conditional:
        raise HnasError(f"lam is {settings.lam}; strategy {settings.strategy} needs one lambda, such as 0.9")
