"""LPIPS, a learned perceptual distance, by torchmetrics."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from urllib.error import URLError

import numpy as np
import torch

from hnas.data.pictures import Pixels
from hnas.data.tensors import as_floats
from hnas.errors import HnasError


def lpips_distance(device: str | torch.device = "cpu") -> Callable[[Pixels, Pixels], float]:
    """LPIPS of version 0.1 on AlexNet: lower is better, 0 for equal pictures.

    Source: R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", 2018.

    Returns:
        A function of two uint8 pictures, H x W x 3, of one shape.

    Raises:
        HnasError: torchmetrics or torchvision is not installed, torchvision does not fit this torch, or AlexNet's
            weights are not here and cannot be downloaded.
    """
    try:
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torchvision is called in a way that is deprecated
            network = LearnedPerceptualImagePatchSimilarity(net_type="alex").to(device).eval()
    except ImportError as error:
        raise HnasError(f"LPIPS needs optional packages ({error}); pip install 'hnas-sr[lpips]'") from error
    except (URLError, OSError) as error:
        raise HnasError(
            f"LPIPS needs the weights of AlexNet, which torchvision downloads at the first use ({error}); connect this "
            f"machine once, or put alexnet-owt-7be5be79.pth into {torch.hub.get_dir()}/checkpoints"
        ) from error
    except RuntimeError as error:
        raise HnasError(f"LPIPS needs a torchvision that fits this torch, {torch.__version__} ({error})") from error

    def distance(sr: Pixels, hr: Pixels) -> float:
        with torch.inference_mode():
            first, second = (2 * as_floats(np.array(picture)[None], device) - 1 for picture in (sr, hr))
            return float(network(first, second))

    return distance
