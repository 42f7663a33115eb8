"""Brightness (Y) of red, green and blue, as ITU-R BT.601 weighs them, in the two ranges in use."""

from __future__ import annotations

#: As JPEG has it: Y has the range of the colours. The weights sum to 1.
FULL = (0.299, 0.587, 0.114)
#: As MATLAB's ``rgb2ycbcr`` has it, which papers measure on: from colours of 0 to 1 to Y of 16 to 235, see
#: :data:`FOOTROOM`.
VIDEO = (65.481, 128.553, 24.966)
#: Y of black in that range.
FOOTROOM = 16
