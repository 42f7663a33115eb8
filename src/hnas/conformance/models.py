"""What every network that comes from no search promises."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from hnas.conformance.checks import every_parameter_gets_a_gradient, promise, tiles_leave_no_trace
from hnas.nets import build_model, model_cost, model_margins, model_pools, model_scale
from hnas.nets.global_mean import given
from hnas.nets.peers import PEERS, build_peer
from hnas.run_files import WEIGHTS
from hnas.weights import load_model, save_model

#: Pixels: a picture that is wider than twice as much takes seconds, and one in tiles of as much margin too.
_FARTHEST, _FARTHEST_IN_TILES = 60, 10


def _built(name: str, scale: int) -> nn.Module:
    torch.manual_seed(0)
    return build_peer({**PEERS[name].description, "scale": scale})


def it_enlarges_any_size(name: str) -> None:
    """From (N, 3, H, W) to (N, 3, scale * H, scale * W) at every scale that it has."""
    for scale in PEERS[name].scales:
        with torch.device("meta"):
            model = _built(name, scale)
            size = tuple(model(torch.rand(2, 3, 7, 5)).shape)
        promise(model_scale(model) == scale, f"{name}: built for x{scale}, it says x{model_scale(model)}")
        wanted = (2, 3, 7 * scale, 5 * scale)
        promise(size == wanted, f"{name}: (2, 3, 7, 5) becomes {size} at x{scale}; {wanted} is right")


def its_description_rebuilds_it(name: str) -> None:
    """The same description again, and weights of the same names and shapes."""
    for scale in PEERS[name].scales:
        with torch.device("meta"):
            model = _built(name, scale)
            again = build_model(model.description)  # type: ignore[arg-type]  # every model has it
        promise(again.description == model.description, f"{name}: rebuilt, its description is another")
        shapes = [{key: value.shape for key, value in one.state_dict().items()} for one in (model, again)]
        promise(shapes[0] == shapes[1], f"{name}: rebuilt from its description, its weights have other names or shapes")


def every_parameter_of_it_is_trained(name: str) -> None:
    """A gradient reaches each."""
    every_parameter_gets_a_gradient(lambda: build_peer(PEERS[name].description), name)


def a_weights_file_gives_it_back(name: str) -> None:
    """The same picture to the last bit."""
    model = _built(name, PEERS[name].scales[-1]).eval()
    with TemporaryDirectory() as folder:
        path = Path(folder) / WEIGHTS
        save_model(path, model, {})
        again = load_model(path)
    picture = torch.rand(1, 3, 4, 5)
    with torch.no_grad():
        promise(torch.equal(again(picture), model(picture)), f"{name}: its weights file makes another picture")
    promise(again.description == model.description, f"{name}: its weights file has another description")


def it_is_counted(name: str) -> None:
    """Multiply-adds and parameters are found without running it at full size."""
    cost = model_cost(_built(name, PEERS[name].scales[0]), lr_size=(8, 8))
    promise(cost.macs >= 0 and cost.params > 0, f"{name}: counted as {cost}")


def it_looks_no_further_than_it_says(name: str) -> None:
    """A gradient shows that nothing lies outside its margin; one that gives none is run whole."""
    model = _built(name, PEERS[name].scales[0]).eval()
    scale, margins = model_scale(model), model_margins(model)
    if margins is None or margins[0] > _FARTHEST:
        return
    middle = margins[0] + 2
    x = torch.rand(1, 3, 5, 2 * middle + 1, requires_grad=True)
    with given({mean: lambda features: features[:, :, :1, :1].detach() for mean, _ in model_pools(model)}):
        picture = model(x)
    picture[..., scale * middle : scale * (middle + 1)].sum().backward()
    assert x.grad is not None
    columns = x.grad.abs().sum((0, 1, 2)).nonzero().flatten()
    found = max(middle - int(columns.min()), int(columns.max()) - middle)
    promise(found <= margins[0], f"{name}: it looks {found} pixels far, by its margins() {margins[0]}")


def tiles_of_it_leave_no_trace(name: str) -> None:
    """Where it says how far it looks, and does not look far."""
    model = _built(name, PEERS[name].scales[0]).eval()
    margins = model_margins(model)
    if margins is not None and margins[0] <= _FARTHEST_IN_TILES:
        tiles_leave_no_trace(model, name)


PROMISES = (
    it_enlarges_any_size,
    its_description_rebuilds_it,
    every_parameter_of_it_is_trained,
    a_weights_file_gives_it_back,
    it_is_counted,
    it_looks_no_further_than_it_says,
    tiles_of_it_leave_no_trace,
)
