"""``hnas import`` (the word alone is a keyword of Python)."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hnas.cli.options import Json


def import_(
    file: Path,
    /,
    *,
    as_: Annotated[str, Parameter(name="--as")],
    scale: int,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    licence: str = "",
    json: Json = False,
) -> None:
    """Convert a published weights file of a known system.

    Known are CARN and CARN-M (.pth, one scale or several), FALSR-B and MoreMNAS-D (.npz), SRCNN, VDSR and FSRCNN
    (.mat or .pth), and as .pth SMFANet, SMFANet+ (smfanet-plus), ECBSR, ABPN, ETDS, ESPCN and FSRCNN of RGB
    (espcn-rgb, fsrcnn-rgb). Every tensor must find its place; nothing that a file holds is run.

    Args:
        file: The published file: .pth, .pt, .npz, .mat or .safetensors.
        as_: Whose weights these are, such as carn-m or vdsr.
        scale: Which scale's weights to take.
        output: The .safetensors file to write.
        licence: Licence of the published weights, noted in the weights file.
    """
    from hnas.nets import parameter_count
    from hnas.zoo.published import import_weights

    model = import_weights(file, architecture=as_.lower(), scale=scale, output=output, licence=licence)
    if json:
        print(json_module.dumps({"weights": str(output), "description": model.description}))
    else:
        print(f"{output}: {as_.lower()} x{scale}, {parameter_count(model):,} parameters")
