"""The forms that a model may have beside itself: what training compares, and what is run."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


def seen_by(model: object) -> Callable[[Tensor], Tensor]:
    """What of a picture a model is trained on: brightness, where its method ``seen`` says so, else all of it.

    Such a model maps what it sees of a small picture to what it sees of the large one.
    """
    seen: Callable[[Tensor], Tensor] = getattr(model, "seen", lambda picture: picture)
    return seen


def plain_form(model: nn.Module) -> nn.Module:
    """The same function as it is run, exported and counted: what the model's method ``folded`` gives, else itself."""
    folded: Callable[[], nn.Module] | None = getattr(model, "folded", None)
    return folded() if folded else model
