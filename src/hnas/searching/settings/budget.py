"""What a network may cost, and what its cost weighs against its quality."""

import re
from dataclasses import dataclass
from typing import Literal

from hnas.bounds import Checked, quantity, refuse_below
from hnas.errors import HnasError

CostName = Literal["macs", "params", "latency"]
#: Names of costs for a person: what one unit in print is, and what it is called.
_UNITS = {"macs": (1e9, "G multiply-adds"), "params": (1e3, "k parameters"), "latency": (1.0, "ms")}


@dataclass(frozen=True)
class Limits:
    """What no proposed genotype may exceed; 0 is no limit.

    Attributes:
        macs: multiply-adds.
        params: parameters.
        latency: milliseconds.
    """

    macs: float = 0.0
    params: float = 0.0
    latency: float = 0.0

    @classmethod
    def parse(cls, *, max_macs: float | str, max_params: float | str, max_latency: float | str) -> "Limits":
        """Reads ``30.6G``, ``300k`` and ``40ms``.

        Raises:
            HnasError: something else.
        """
        return cls(
            macs=quantity("max_macs", max_macs),
            params=quantity("max_params", max_params),
            latency=quantity("max_latency", max_latency, unit="ms"),
        )


def in_words(name: str, value: float) -> str:
    """A cost for a person, such as 30.6 G multiply-adds.

    Args:
        name: macs, params or latency.
        value: multiply-adds, parameters or ms.
    """
    unit, words = _UNITS[name]
    return f"{value / unit:.4g} {words}"


@dataclass(frozen=True, kw_only=True)
class Budget(Checked):
    """What a network may cost, and what its cost weighs against its quality.

    Attributes:
        lam: lambda of eq. 1, the weight of PSNR against cost; "0.05..0.95" trains one controller for all of them
            at once.
        cost: what the reward counts as cost.
        cost_reference: the cost that counts as 1, in MACs, parameters or ms; 0 takes the hard limit of that cost
            (such as max_macs), or without one the mean of the search space.
        target_channels: channels of the network that is trained in the end; costs and limits are meant at this size.
        lr_size: height and width of the LR picture at which MACs and latency are counted, such as 480x480.
        latency_table: file of ``hnas profile --build-table``, for a search with latency as cost or limit; without one
            such a search builds a table and keeps it for the next (docs/search.md).
        max_macs: no genotype above this many MACs is proposed, such as 30.6G; 0 is no limit. So for the next two.
        max_params: limit of parameters, such as 300k.
        max_latency: limit of latency, such as 40ms: predicted in the search, and measured of what is handed over.
        backend: what milliseconds are of: "torch" on the device of the search, "onnx" (onnxruntime) or "openvino" on
            the CPU.
        threads: of the networks that are timed on a CPU; 0 is 2, or what the machine has if fewer.

    Raises:
        HnasError: a value outside its bounds.
    """

    lam: float | str = 0.6
    cost: CostName = "macs"
    cost_reference: float = 0.0
    target_channels: int = 64
    lr_size: str = "480x480"
    latency_table: str = ""
    max_macs: float | str = 0.0
    max_params: float | str = 0.0
    max_latency: float | str = 0.0
    backend: Literal["torch", "onnx", "openvino"] = "torch"
    threads: int = 0

    def __post_init__(self) -> None:
        refuse_below(1, self, "target_channels")
        refuse_below(0, self, "cost_reference", "threads")
        self.lam_range, self.limits, self.lr_shape  # noqa: B018 - they check their own values
        super().__post_init__()

    @property
    def lam_range(self) -> tuple[float, float]:
        """Smallest and largest lambda; equal where one is searched for."""
        low, dots, high = str(self.lam).partition("..")
        try:
            ends = float(low), float(high if dots else low)
        except ValueError:
            ends = (0.0, 0.0)
        if not 0.0 < ends[0] <= ends[1] < 1.0:
            raise HnasError(f"lam is {self.lam}; allowed is a number between 0 and 1, or a range such as 0.05..0.95")
        return ends

    @property
    def conditional(self) -> bool:
        """Whether lambda is a range, so that the controller must see it."""
        return self.lam_range[0] < self.lam_range[1]

    @property
    def limits(self) -> Limits:
        """The hard limits."""
        return Limits.parse(max_macs=self.max_macs, max_params=self.max_params, max_latency=self.max_latency)

    @property
    def lr_shape(self) -> tuple[int, int]:
        """Height and width of the LR picture that costs are meant for."""
        match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", self.lr_size)
        if not match:
            raise HnasError(f"lr_size is {self.lr_size!r}; allowed is HEIGHTxWIDTH in pixels, such as 480x480")
        return int(match[1]), int(match[2])
