"""Pictures as torch takes them, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def as_floats(pictures: np.ndarray[Any, Any], device: torch.device | str = "cpu") -> Tensor:
    """Bytes (N, H, W, 3) as float32 (N, 3, H, W) in [0, 1], channels-last in memory as the bytes are."""
    # The bytes travel to the device as they are, a quarter of the floats. Divided by a number on the device, since by
    # one of the CPU a GPU multiplies with the reciprocal: other last bits.
    values = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float()
    return values.div_(torch.full((), 255.0, device=device))


def as_bytes(images: Tensor) -> Tensor:
    """Floats (N, 3, H, W) rounded to bytes (N, H, W, 3); what is outside [0, 1] is cut off."""
    return (images * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1)
