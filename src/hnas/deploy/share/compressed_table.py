"""A table of what cards say of compressed pictures, for pages about models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: What cards call pictures that were not compressed; the others are called by the quality of libjpeg.
CLEAN = "clean"


def compressed_table(cards: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of Markdown with a table of PSNR and bicubic interpolation's; none where no card has such figures."""
    rows = [
        (str(card["name"]), dataset, figures)
        for card in cards
        for dataset, figures in (card.get("compressed") or {}).items()
    ]
    if not rows:
        return []
    names = list(dict.fromkeys(name for _, _, figures in rows for name in figures))
    heads = [name if name == CLEAN else f"quality {name}" for name in names]
    lines = [
        "PSNR on small pictures that were stored as JPEG, by its quality, with bicubic interpolation in brackets:",
        "",
        f"| model | set | {' | '.join(heads)} |",
        f"|---|---|{'---:|' * len(heads)}",
    ]
    for model, dataset, figures in rows:
        cells = [
            f"{figures[name]['psnr']:.2f} ({figures[name]['bicubic']:.2f})" if name in figures else "" for name in names
        ]
        lines.append(f"| {model} | {dataset} | {' | '.join(cells)} |")
    return lines
