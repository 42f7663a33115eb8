"""``hnas models``."""

from __future__ import annotations

import json as json_module
from typing import Any

from hnas.cli.options import Json
from hnas.errors import HnasError


def models(name: str | None = None, /, *, json: Json = False) -> None:
    """List the models that come with the package, with what was measured of each.

    PSNR is that of a single pass, on Y in dB; x8 self-ensemble is in brackets. Multiply-adds are for a 3x480x480
    picture.

    Args:
        name: Only this model, with everything that is known of it.
    """
    from hnas.bundled import bundled_models
    from hnas.deploy.export.card import card_path, read_card

    bundled = bundled_models()
    if name is not None and name not in bundled:
        raise HnasError(f"no model {name!r} comes with the package; there are {', '.join(bundled) or 'none'}")
    chosen = bundled if name is None else {name: bundled[name]}
    cards = [read_card(card_path(path)) for path in chosen.values()]
    if json or name is not None:
        print(json_module.dumps(cards if name is None else cards[0], indent=None if json else 2))
    else:
        _print_table(cards)


def _print_table(cards: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from hnas.cli.tables import print_tables
    from hnas.zoo.table_two import in_table_order

    sets = in_table_order({name for card in cards for name in card["results"]})
    table = Table("model", "scale", "MACs", "parameters", "latency", *sets)
    for card in cards:
        results = (card["results"].get(name) for name in sets)
        table.add_row(
            card["name"],
            f"x{card['scale']}",
            f"{card['macs'] / 1e9:.1f} G",
            f"{card['params'] / 1e3:.0f} K",
            f"{card['latency_ms']:.0f} ms",
            *(f"{result['psnr']:.2f} ({result['psnr_x8']:.2f})" if result else "" for result in results),
        )
    print_tables(table)
    for device in sorted({card["latency_device"] for card in cards}):
        print(f"latency: {device}")
    print("hnas models NAME says where a model comes from: data, licence, steps, seed, command, SHA-256.")
