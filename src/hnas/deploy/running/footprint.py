"""What tiles need to know of a network, written into exported files, so that running these needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from hnas.errors import HnasError
from hnas.space.scales import ALL_SCALES
from hnas.values import shown

#: Far more than any network of ours has.
MAX_RADIUS, MAX_BYTES_PER_PIXEL = 1 << 14, 1 << 30


@dataclass(frozen=True)
class Footprint:
    """How far a network looks, and what it takes.

    Attributes:
        scale: by how much it enlarges.
        radius: receptive radius in low-resolution pixels.
        bytes_per_pixel: memory for every low-resolution pixel of a picture that is run at once.
        can_tile: whether tiles leave no trace; not where it looks at the whole picture.

    Raises:
        HnasError: a value that none can be.
    """

    scale: int
    radius: int
    bytes_per_pixel: int
    can_tile: bool

    def __post_init__(self) -> None:
        whole = (self.scale, self.radius, self.bytes_per_pixel)
        if any(type(value) is not int for value in whole) or type(self.can_tile) is not bool:
            raise HnasError(f"a footprint is three whole numbers and true or false, not {self}")
        if self.scale not in ALL_SCALES or not 0 <= self.radius <= MAX_RADIUS:
            raise HnasError(f"{self} cannot be; a scale is 1, 2, 3 or 4, and a radius 0 to {MAX_RADIUS}")
        if not 1 <= self.bytes_per_pixel <= MAX_BYTES_PER_PIXEL:
            raise HnasError(f"{self} cannot be; a pixel takes 1 to {MAX_BYTES_PER_PIXEL} bytes")

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> Footprint:
        """What :meth:`as_dict` gave.

        Raises:
            HnasError: a value is missing, unknown or cannot be.
        """
        if not isinstance(values, Mapping) or values.keys() != {field.name for field in fields(cls)}:
            raise HnasError(f"a footprint has {', '.join(field.name for field in fields(cls))}, not {shown(values)}")
        return cls(**values)
