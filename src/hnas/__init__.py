"""Super-resolution networks that fit a budget: searched, trained, measured and run.

    import hnas

    found = hnas.search("photographs", run_dir="runs/search")
    job = hnas.TrainingJob(model="runs/search", data=(Path("photographs"),))
    hnas.train(job, "runs/train")
    print(hnas.evaluate("runs/train")["sample"].psnr)
    large = hnas.load("runs/train").upscale(small)

Names are imported when they are first used, so that ``import hnas`` does not wait for torch, and
``hnas.load`` of a graph needs none; where a package is missing, HnasError says which extra brings it.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hnas.errors import HnasError
from hnas.extras import missing
from hnas.memory import keep_memory

if TYPE_CHECKING:
    from hnas.data.degradations import register_degradation
    from hnas.deploy.enlarge.models import load
    from hnas.evaluation.evaluate import evaluate
    from hnas.nets.peers import register_model
    from hnas.searching.runs import derive, search
    from hnas.searching.settings import SearchSettings
    from hnas.searching.strategies.registry import register_strategy
    from hnas.space import Genotype, load_genotype
    from hnas.space.cells import register_operation
    from hnas.space.chain import register_block
    from hnas.space.options import NetworkOptions
    from hnas.training.settings import DeviceSettings, TrainingSettings
    from hnas.training.train_network import TrainingJob
    from hnas.training.train_network import train_network as train

__version__ = "0.1.0"

# What the rooms have to say goes to the loggers below "hnas"; who wants to hear it adds a handler.
logging.getLogger("hnas").addHandler(logging.NullHandler())

__all__ = [
    "DeviceSettings",
    "Genotype",
    "HnasError",
    "NetworkOptions",
    "SearchSettings",
    "TrainingJob",
    "TrainingSettings",
    "__version__",
    "derive",
    "evaluate",
    "keep_memory",
    "load",
    "load_genotype",
    "register_block",
    "register_degradation",
    "register_model",
    "register_operation",
    "register_strategy",
    "search",
    "train",
]

#: Public name -> where it comes from.
_HOMES = {
    "DeviceSettings": "hnas.training.settings:DeviceSettings",
    "Genotype": "hnas.space:Genotype",
    "NetworkOptions": "hnas.space.options:NetworkOptions",
    "SearchSettings": "hnas.searching.settings:SearchSettings",
    "TrainingJob": "hnas.training.train_network:TrainingJob",
    "TrainingSettings": "hnas.training.settings:TrainingSettings",
    "derive": "hnas.searching.runs:derive",
    "evaluate": "hnas.evaluation.evaluate:evaluate",
    "load": "hnas.deploy.enlarge.models:load",
    "load_genotype": "hnas.space:load_genotype",
    "register_block": "hnas.space.chain:register_block",
    "register_degradation": "hnas.data.degradations:register_degradation",
    "register_model": "hnas.nets.peers:register_model",
    "register_operation": "hnas.space.cells:register_operation",
    "register_strategy": "hnas.searching.strategies.registry:register_strategy",
    "search": "hnas.searching.runs:search",
    "train": "hnas.training.train_network:train_network",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hnas' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    try:
        value = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise missing(error) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
