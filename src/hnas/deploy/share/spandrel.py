"""Our weights files in tools built on spandrel (chaiNNer, ComfyUI ...): ``hnas.deploy.share.spandrel.install()``."""

from __future__ import annotations

from typing import Any

from hnas.extras import need
from hnas.nets import build_model, model_margins, model_pools
from hnas.weights import DESCRIPTION, description_in

ARCHITECTURE = "HNAS"


def install() -> None:
    """Adds our networks to spandrel's ``MAIN_REGISTRY``; a second call does nothing.

    They are told by a tensor of the weights file that holds the genotype and everything else as JSON, since spandrel
    hands on tensors alone.

    Raises:
        HnasError: spandrel is not installed.
    """
    spandrel = need("spandrel")
    registry = spandrel.MAIN_REGISTRY
    if ARCHITECTURE not in registry:
        # Before all others: layer names such as `stem` might be taken for another's.
        others = tuple(support.architecture.id for support in registry)
        registry.add(spandrel.ArchSupport.from_architecture(_architecture(spandrel), before=others))


def _architecture(spandrel: Any) -> Any:
    class HnasArchitecture(spandrel.Architecture):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(id=ARCHITECTURE, name="HNAS-SR", detect=spandrel.util.KeyCondition.has_all(DESCRIPTION))

        def load(self, state_dict: Any) -> Any:
            tensors = dict(state_dict)
            description = description_in(tensors.pop(DESCRIPTION), where="this state dict")["description"]
            model = build_model(description)
            whole = model_margins(model) is None or bool(model_pools(model))
            return spandrel.ImageModelDescriptor(
                model,
                tensors,
                architecture=self,
                purpose="SR",
                tags=[f"{description['channels']}ch"] if "channels" in description else [],
                supports_half=True,
                supports_bfloat16=True,
                scale=description["scale"],
                input_channels=3,
                output_channels=3,
                # Channel attention and SMFANet look at the whole picture.
                tiling=spandrel.ModelTiling.DISCOURAGED if whole else spandrel.ModelTiling.SUPPORTED,
            )

    return HnasArchitecture()
