"""What is installed beside the package: enlarging needs little, and each extra brings what some commands need more."""

from __future__ import annotations

import importlib
from types import ModuleType

from hnas.errors import HnasError, one_line

#: Package -> the extra that brings it; any other package belongs to the package itself.
EXTRAS = {
    **dict.fromkeys(
        (
            *("torch", "safetensors", "lightning_fabric", "scipy", "matplotlib"),
            *("requests", "filelock"),
        ),
        "train",
    ),
    **dict.fromkeys(("imagecodecs", "tifffile"), "deep"),
    "pillow_heif": "heic",
    "onnx": "onnx",
    "openvino": "openvino",
    "av": "video",
    "gradio": "app",
    "starlette": "app",
    "huggingface_hub": "hub",
    "torchmetrics": "lpips",
    "optuna": "optuna",
    "ray": "ray",
    "spandrel": "spandrel",
    "tensorboard": "tensorboard",
}


def need(package: str, *, where: str = "") -> ModuleType:
    """Imports a package that may not be there.

    Args:
        package: its name in Python.
        where: the file that needs it, for the error.

    Raises:
        HnasError: it is not installed (says how to get it), or is and cannot be loaded, as for want of memory.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise missing(error, package, where=where) from error
    except ImportError as error:
        raise HnasError(f"the package {package} cannot be loaded ({one_line(error)})") from error


def script_needs(package: str) -> None:
    """Ends a script, with the line that says how to get it, where a package is not installed."""
    try:
        need(package)
    except HnasError as error:
        raise SystemExit(str(error)) from error


def missing(error: ImportError, package: str | None = None, *, where: str = "") -> HnasError:
    """The line that says how to get a package that an import did not find.

    Args:
        error: of the import.
        package: what was imported; by default the error says so.
        where: the file that needs it.
    """
    name = (package or error.name or str(error)).partition(".")[0]
    wanted = f"'hnas-sr[{EXTRAS[name]}]'" if name in EXTRAS else name
    return HnasError(f"{where}{': ' if where else ''}this needs the package {name}: pip install {wanted}")


def absent_extra(error: BaseException) -> HnasError | None:
    """The line for an error that comes from a package of an extra that is not installed; None for any other error."""
    cause: BaseException | None = error  # a command's module is imported by the command line, which wraps its errors
    while cause is not None:
        if isinstance(cause, ModuleNotFoundError) and (cause.name or "").partition(".")[0] in EXTRAS:
            return missing(cause)
        cause = cause.__cause__
    return None
