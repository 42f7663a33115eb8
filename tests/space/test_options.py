"""Every architecture says which options it has; what was chosen is told from what is only a default."""

from __future__ import annotations

from dataclasses import fields

import pytest

from hnas.errors import HnasError
from hnas.nets import FAMILIES, NetworkOptions, NetworkSettings
from hnas.nets.peers import PEERS
from hnas.nets.peers.plain import PlainSettings
from hnas.space.options import ScaleOnly, options_in


def names(cls: type) -> set[str]:
    return {field.name for field in fields(cls)}


def test_options_are_those_that_some_architecture_has() -> None:
    settings = {peer.settings for peer in PEERS.values()} | {family.settings for family in FAMILIES.values()}
    assert names(NetworkOptions) == set().union(*map(names, settings))
    assert all("scale" in names(cls) for cls in settings)


def test_a_value_that_happens_to_be_the_default_was_chosen_all_the_same() -> None:
    default = NetworkSettings()
    with pytest.raises(HnasError, match="espcn has no --channels"):
        NetworkOptions(channels=default.channels).settings(ScaleOnly, of="espcn")
    with pytest.raises(HnasError, match="espcn has no --cell-skip"):
        NetworkOptions(cell_skip=0.0).settings(ScaleOnly, of="espcn")
    assert NetworkOptions().settings(PlainSettings, of="plain") == PlainSettings()


def test_others_fill_what_was_not_chosen_where_the_architecture_has_it() -> None:
    preset = NetworkOptions(channels=16, cell_skip=0.3)
    assert NetworkOptions(depth=2).or_else(preset, PlainSettings) == NetworkOptions(channels=16, depth=2)
    assert NetworkOptions(channels=8).or_else(preset, NetworkSettings) == NetworkOptions(channels=8, cell_skip=0.3)
    assert NetworkOptions().or_else(preset, ScaleOnly) == NetworkOptions()
    assert options_in({"steps": 3, "scale": 4}) == {"scale": 4}
