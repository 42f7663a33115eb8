"""Sharing through the Hugging Face Hub: a repository with ``config.json``, ``model.safetensors`` and a model card.

``model.safetensors`` is a weights file of this project as it is, so it loads without the Hub too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from hnas.deploy.share.model_page import model_page
from hnas.errors import HnasError
from hnas.files import write_atomically
from hnas.nets import model_scale
from hnas.weights import load_model, read_weights

try:
    from huggingface_hub import ModelHubMixin, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
except ImportError as _error:
    raise HnasError("this needs the package huggingface_hub: pip install 'hnas-sr[hub]'") from _error

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
CARD = "README.md"


class HubModel(
    nn.Module, ModelHubMixin, library_name="hnas-sr", tags=["super-resolution"], pipeline_tag="image-to-image"
):
    """A weights file as a model with ``from_pretrained``, ``save_pretrained`` and ``push_to_hub``.

    Args:
        weights: a weights file.
        name: what its card calls it.

    Raises:
        HnasError: the file cannot be read.
    """

    def __init__(self, weights: str | Path, name: str | None = None) -> None:
        super().__init__()
        self.weights = Path(weights)
        self.name = name or self.weights.stem
        self.network = load_model(weights)

    @property
    def scale(self) -> int:
        """By how much the network enlarges."""
        return model_scale(self.network)

    def forward(self, x: Tensor) -> Tensor:
        """RGB in [0, 1], (N, 3, H, W), to (N, 3, scale * H, scale * W), not clamped."""
        result: Tensor = self.network(x)
        return result

    def _save_pretrained(self, save_directory: Path) -> None:
        file = read_weights(self.weights)
        config = {**file.description, "provenance": file.provenance}
        write_atomically(save_directory / WEIGHTS, self.weights.read_bytes())
        write_atomically(save_directory / CONFIG, json.dumps(config, indent=2) + "\n")
        write_atomically(save_directory / CARD, model_page(self.weights, name=self.name))

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> HubModel:
        known = ("revision", "cache_dir", "force_download", "local_files_only", "token")
        path = download(model_id, **{key: options[key] for key in known if key in options})
        return cls(path, model_id.rpartition("/")[2])


def download(repository: str, **options: Any) -> Path:
    """The weights file of a repository on the Hub, or of a folder that :func:`write_hub_folder` wrote.

    Args:
        repository: ``user/name`` or the folder.
        options: of ``hf_hub_download``: revision, token, cache_dir, local_files_only ...

    Raises:
        HnasError: it cannot be had.
    """
    local = Path(repository) / WEIGHTS
    if local.is_file():
        return local
    try:
        return Path(hf_hub_download(repository, WEIGHTS, **options))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise HnasError(f"{repository}: cannot be had from the Hub ({reason})") from error


def write_hub_folder(weights: Path, folder: Path, *, name: str, push: str | None = None) -> None:
    """Writes what a repository on the Hub holds into a folder, and uploads it where a repository is named.

    Args:
        weights: a weights file.
        folder: is made where it is not there.
        name: of the model, for its card.
        push: ``user/name``; needs a token as ``hf auth login`` stores it.

    Raises:
        HnasError: the file cannot be read, the folder holds other files or cannot be written, or the Hub refuses.
    """
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if strange := {name for name in names - {WEIGHTS, CONFIG, CARD} if not name.startswith(".")}:
        raise HnasError(f"{folder}: holds {min(strange)}, which no repository of ours has; name another folder with -o")
    model = HubModel(weights, name)
    try:
        model.save_pretrained(folder)
        if push:
            model.push_to_hub(push)
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        what = f"uploading to {push}" if push else str(folder)
        raise HnasError(f"{what}: {str(error).strip().splitlines()[0]}") from error
