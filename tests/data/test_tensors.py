"""Bytes to floats and back."""

from __future__ import annotations

import numpy as np
import torch

from hnas.data.tensors import as_bytes, as_floats


def test_every_byte_comes_back() -> None:
    pictures = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 8, 32, 3)
    floats = as_floats(pictures)
    assert floats.shape == (1, 3, 8, 32)
    assert floats.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(floats[0, 1].flatten().numpy(), np.arange(256, dtype=np.float32) / np.float32(255))
    np.testing.assert_array_equal(as_bytes(floats).numpy(), pictures)
    outside = torch.tensor([-0.1, 1.1, 0.5 / 255 + 1e-4]).view(1, 3, 1, 1)
    assert as_bytes(outside).flatten().tolist() == [0, 255, 1]
