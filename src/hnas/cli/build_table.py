"""``hnas profile --build-table``: latencies of a space's networks on this machine, for searches."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hnas.cli.options import say
from hnas.errors import HnasError
from hnas.searching.settings import SearchSettings, SpaceSettings
from hnas.space.options import NetworkOptions, flag

if TYPE_CHECKING:
    from hnas.deploy.running.runtimes import BackendName
    from hnas.deploy.timing.latency_tables import Thoroughness


def build_table(
    path: Path,
    space: SpaceSettings,
    options: NetworkOptions,
    *,
    lr_size: tuple[int, int],
    backend: BackendName,
    threads: int | None,
    device: str,
    thoroughness: Thoroughness,
    json: bool,
) -> None:
    """Measures a table, checks it, and writes it if the check is good.

    Args:
        path: of the file.
        space: whose networks.
        options: what was chosen about them: their scale, and the width of those that leave it open.
        lr_size: (height, width) of the low-resolution picture.
        backend: what runs them.
        threads: that it has; None for the default.
        device: where torch runs them.
        thoroughness: how much is measured.
        json: print JSON and nothing else.

    Raises:
        HnasError: settings that networks which a search hands over have not, or a table that predicts badly.
    """
    from hnas.deploy.timing.latency_tables import build_latency_table
    from hnas.files import write_atomically
    from hnas.nets import family_of
    from hnas.searching.latency import describe_space, machine_of

    chosen = options.said()
    settings = SearchSettings(
        **asdict(space),
        scale=chosen.get("scale", SearchSettings.scale),
        target_channels=chosen.get("channels", SearchSettings.target_channels),
        lr_size="x".join(map(str, lr_size)),
        backend=backend,
        threads=threads or 0,
    )
    family = family_of(settings.space, settings)
    if strange := [name for name in chosen if name not in family.traits]:
        raise HnasError(
            f"a latency table has no {', '.join(map(flag, strange))} where the space is {settings.space}; it takes "
            f"{' and '.join(map(flag, sorted(family.traits)))}, and the flags of the space"
        )
    machine = machine_of(settings, device)
    table = build_latency_table(
        settings.search_space, family, machine, about=describe_space(settings), thoroughness=thoroughness, say=say
    )
    try:
        table.refuse_bad()
    except HnasError as error:
        raise HnasError(f"{path} is not written: {error}") from error
    write_atomically(path, table.to_json())
    print(f"table written to {path}", file=sys.stderr, flush=True)
    check = table.check
    if json:
        said = {"table": str(path), "machine": table.machine, "space": table.space, "parts": len(table.milliseconds)}
        print(json_module.dumps({**said, "networks": table.networks, **asdict(check)}))
        return
    print(f"{len(table.milliseconds)} parts from {table.networks} networks, at {table.words}")
    print(f"checked on {len(check.measured_ms)} other networks: {check.words}")
