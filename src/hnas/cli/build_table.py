"""``hnas profile --build-table``: latencies of a space's networks on this machine, for searches."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hnas.cli.options import say
from hnas.errors import HnasError
from hnas.space import SpaceName
from hnas.space.cells import NetworkSettings

if TYPE_CHECKING:
    from hnas.deploy.running.runtimes import BackendName
    from hnas.deploy.timing.latency_tables import Thoroughness


@dataclass(frozen=True)
class SpaceFlags:
    """With --build-table, whose networks: settings of `hnas search` by their names, with its defaults.

    Attributes:
        space: With --build-table, networks of "cells", or plain "chain"s.
        layers: Of cells: how many.
        nodes: Of cells: intermediate nodes of each.
        normal_operations: Of cells: what an edge of the normal cell chooses from.
        upsampling_operations: Of cells: what an edge of the upsampling cell chooses from.
        widths: Of chains: channels to choose from.
        depths: Of chains: numbers of blocks to choose from.
        blocks: Of chains: what each block chooses from.
        after: Of chains: how many blocks may follow the enlargement.
        colour: Of chains: "luma" or "rgb".
    """

    space: SpaceName = "cells"
    layers: int | None = None
    nodes: int | None = None
    normal_operations: tuple[str, ...] | None = None
    upsampling_operations: tuple[str, ...] | None = None
    widths: tuple[int, ...] | None = None
    depths: tuple[int, ...] | None = None
    blocks: tuple[str, ...] | None = None
    after: tuple[int, ...] | None = None
    colour: str | None = None


def build_table(
    path: Path,
    flags: SpaceFlags,
    network: NetworkSettings,
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
        flags: whose networks.
        network: their scale, and the width of cells.
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
    from hnas.searching.settings import SearchSettings

    if network != NetworkSettings(channels=network.channels, scale=network.scale):
        raise HnasError(
            "a latency table is of networks as a search means them; of theirs it takes --channels and --scale"
        )
    given = {name: value for name, value in asdict(flags).items() if value is not None}
    settings = SearchSettings(
        **given,
        scale=network.scale,
        target_channels=network.channels,
        lr_size="x".join(map(str, lr_size)),
        backend=backend,
        threads=threads or 0,
    )
    family = family_of(settings.space, settings)
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
