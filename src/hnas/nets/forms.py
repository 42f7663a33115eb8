"""The forms that a model may have beside itself: what training compares, and what is run."""

from __future__ import annotations

import copy
from collections.abc import Callable

from torch import Tensor, nn


def seen_by(model: object) -> Callable[[Tensor], Tensor]:
    """What of a picture a model is trained on: brightness, where its method ``seen`` says so, else all of it.

    Such a model maps what it sees of a small picture to what it sees of the large one.
    """
    seen: Callable[[Tensor], Tensor] = getattr(model, "seen", lambda picture: picture)
    return seen


def plain_form(model: nn.Module) -> nn.Module:
    """The same function as it is run, exported and counted: what the method ``folded`` gives.

    Args:
        model: one that has the method, one whose parts have it (operations with another form to run; the model is
            copied then), or any other, which is its own plain form.
    """
    if hasattr(model, "folded"):
        return _folded(model)
    if not any(hasattr(module, "folded") for module in model.modules()):
        return model
    plain = copy.deepcopy(model)
    _fold_parts(plain)
    return plain.train(model.training)


def _fold_parts(module: nn.Module) -> None:
    for name, part in module.named_children():
        if hasattr(part, "folded"):
            setattr(module, name, _folded(part))
        else:
            _fold_parts(part)


def _folded(module: nn.Module) -> nn.Module:
    folded: Callable[[], nn.Module] = module.folded  # type: ignore[assignment]
    return folded()
