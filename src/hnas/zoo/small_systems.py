"""Networks outside Table II that people with little compute use, and whose weights are published.

Chains of 3x3 convolutions made for phones, and SMFANet; all see RGB. Figures are x2, PSNR on Y. Those of ECBSR, ABPN
and ETDS are printed by the authors of ETDS (Chao et al. 2023), those of SMFANet in its own paper (Zheng et al. 2024).
"""

from __future__ import annotations

from collections.abc import Mapping

from hnas.zoo.table_two import SETS, Printed, System


def _printed(*decibels: float) -> dict[str, Printed]:
    """PSNR on Y in dB, in the order of the table's sets."""
    return {name: Printed(psnr) for name, psnr in zip(SETS, decibels, strict=False)}


SMALL: tuple[System, ...] = (
    System("ECBSR-M4C16", "beside", "ecbsr-m4c16", printed=_printed(37.18, 32.79, 31.61)),
    System("ETDS-T", "beside", "etds-t", printed=_printed(37.18, 32.76, 31.62)),
    System("FSRCNN (RGB)", "beside", "fsrcnn-rgb"),
    System("ESPCN (RGB)", "beside", "espcn-rgb"),
    System("ABPN-M4C28", "beside", "abpn-m4c28", printed=_printed(37.36, 32.96, 31.75)),
    System("ETDS-S", "beside", "etds-s", printed=_printed(37.38, 32.96, 31.77)),
    System("ETDS-M", "beside", "etds-m", printed=_printed(37.54, 33.09, 31.86)),
    System("ECBSR-M6C40", "beside", "ecbsr-m6c40", printed=_printed(37.61, 33.18, 31.94)),
    System("ETDS-L", "beside", "etds-l", printed=_printed(37.64, 33.24, 31.98)),
    System("SMFANet", "beside", "smfanet", printed=_printed(38.04, 33.65, 32.19, 32.22, 38.98)),
    System("SMFANet+", "beside", "smfanet-plus"),
)

#: PSNR on Y of Set5 x2 in dB by architecture, as their published weights give it by this project's protocol
#: (docs/table2.md).
MEASURED_SET5: Mapping[str, float] = {
    "ecbsr-m4c16": 37.17,
    "etds-t": 37.18,
    "fsrcnn-rgb": 36.99,
    "espcn-rgb": 36.85,
    "abpn-m4c28": 37.38,
    "etds-s": 37.39,
    "etds-m": 37.56,
    "ecbsr-m6c40": 37.63,
    "etds-l": 37.66,
    "smfanet": 38.08,
    "smfanet-plus": 38.19,
}
