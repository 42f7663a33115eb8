"""LPIPS, a learned perceptual distance, from the optional package of its authors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from urllib.error import URLError

import numpy as np
import torch

from hnas.data.pictures import Picture
from hnas.data.tensors import as_floats
from hnas.errors import HnasError


def lpips_distance(device: str | torch.device = "cpu") -> Callable[[Picture, Picture], float]:
    """LPIPS of version 0.1 on AlexNet: lower is better, 0 for equal pictures.

    Source: R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", 2018.

    Returns:
        A function of two uint8 pictures, H x W x 3, of one shape.

    Raises:
        HnasError: the package is not installed, its torchvision does not fit this torch, or AlexNet's weights are not
            here and cannot be downloaded.
    """
    try:
        import lpips
    except ImportError as error:
        raise HnasError(f'LPIPS needs an optional package ({error}); pip install "hnas-sr[lpips]"') from error
    except RuntimeError as error:
        raise HnasError(f"LPIPS needs a torchvision that fits this torch, {torch.__version__} ({error})") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # lpips calls torchvision in a way that is deprecated
            network = lpips.LPIPS(net="alex", verbose=False).to(device).eval()
    except (URLError, OSError) as error:
        raise HnasError(
            f"LPIPS needs the weights of AlexNet, which torchvision downloads at the first use ({error}); connect this "
            f"machine once, or put alexnet-owt-7be5be79.pth into {torch.hub.get_dir()}/checkpoints"
        ) from error

    def distance(sr: Picture, hr: Picture) -> float:
        with torch.inference_mode():
            first, second = (2 * as_floats(np.array(picture)[None], device) - 1 for picture in (sr, hr))
            return float(network(first, second))

    return distance
