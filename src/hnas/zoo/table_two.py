"""Table II of the paper (Guo et al. 2020), x2, as printed, and the systems that belong beside it.

The figures of earlier systems are those of their own papers, which Table II quotes (also in the tables of Ahn et al.
2018 and Chu et al. 2019); those of three digits are the paper's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hnas.space.cells import NAMED_GENOTYPES, CellGenotype

if TYPE_CHECKING:
    from hnas.nets import NetworkSettings

SCALE = 2
SETS = ("Set5", "Set14", "B100", "Urban100", "Manga109")
Part = Literal["table", "beside"]


def in_table_order(names: Iterable[str]) -> list[str]:
    """Names of sets in the order in which papers print them; others follow by name."""
    return sorted(names, key=lambda name: (SETS.index(name) if name in SETS else len(SETS), name))


class Printed(NamedTuple):
    """What a paper prints for one set.

    Attributes:
        psnr: dB on Y.
        ssim: on Y; None where the paper has none. The paper's own rows have three digits, those that it quotes four.
    """

    psnr: float
    ssim: float | None = None


@dataclass(frozen=True)
class System:
    """One row.

    Attributes:
        name: as the table prints it.
        part: of the paper's table, or one that belongs beside it.
        architecture: the peer that it is, if any.
        genotype: what it is built from, if any; without both, its structure is not published.
        channels: C of a genotype's network.
        printed_gmacs: the cost in the paper, in units of 1e9 multiply-adds.
        printed: by set.
        retrained: the paper's dagger: trained by its authors, not by the system's.
        own_rounding: its authors measured after cutting off to 8 bits, and on Y in whole numbers.
        note: what a reader must know.
    """

    name: str
    part: Part
    architecture: str | None = None
    genotype: CellGenotype | None = None
    channels: int = 64
    printed_gmacs: float | None = None
    printed: Mapping[str, Printed] = field(default_factory=dict)
    retrained: bool = False
    own_rounding: bool = False
    note: str = ""

    @property
    def slug(self) -> str:
        """The name of its run folder and of its weights file."""
        plain = self.name.lower().replace(",", "").replace("(", "").replace(")", "").replace("=", "")
        return "-".join(plain.replace("+", " plus").split())

    @property
    def network(self) -> NetworkSettings:
        """How a genotype's network is built; the paths around cells and picture are what such cells need to train."""
        from hnas.nets import NetworkSettings

        return NetworkSettings(channels=self.channels, scale=SCALE, cell_skip=0.3)

    def description(self, scale: int = SCALE) -> dict[str, Any] | None:
        """What :func:`hnas.nets.build_model` takes; None where the structure is not published, or not at this scale."""
        from hnas.nets import Network
        from hnas.nets.peers import PEERS

        if self.genotype is not None:
            return Network(self.genotype, replace(self.network, scale=scale)).description
        if self.architecture is None or scale not in PEERS[self.architecture].scales:
            return None
        return {**PEERS[self.architecture].description, "scale": scale}


def _printed(*figures: tuple[float, float]) -> dict[str, Printed]:
    """Figures in the order of the table's sets."""
    return {name: Printed(*figure) for name, figure in zip(SETS, figures, strict=False)}


BICUBIC = System(
    "Bicubic", "table",
    printed=_printed((33.65, 0.930), (30.24, 0.869), (29.56, 0.844), (26.88, 0.841), (30.84, 0.935)),
)  # fmt: skip

TABLE_TWO: tuple[System, ...] = (
    BICUBIC,
    System(
        "SRCNN", "table", "srcnn", printed_gmacs=52.7, note="9-5-5",
        printed=_printed((36.66, 0.9542), (32.42, 0.9063), (31.36, 0.8879), (29.50, 0.8946), (35.72, 0.968)),
    ),
    System(
        "VDSR", "table", "vdsr", printed_gmacs=612.6,
        printed=_printed((37.53, 0.9587), (33.03, 0.9124), (31.90, 0.8960), (30.76, 0.9140), (37.16, 0.974)),
    ),
    System(
        "DRCN", "table", "drcn", printed_gmacs=17_974.3,
        printed=_printed((37.63, 0.9588), (33.04, 0.9118), (31.85, 0.8942), (30.75, 0.9133), (37.57, 0.973)),
    ),
    System(
        "DRRN", "table", "drrn", printed_gmacs=6_796.9, note="B1U25",
        printed=_printed((37.74, 0.9591), (33.23, 0.9136), (32.05, 0.8973), (31.23, 0.9188), (37.92, 0.976)),
    ),
    System(
        "SelNet", "table", "selnet", printed_gmacs=225.7,
        printed=_printed((37.89, 0.9598), (33.61, 0.9160), (32.08, 0.8984)),
    ),
    System(
        "CARN", "table", "carn", printed_gmacs=222.8,
        printed=_printed((37.76, 0.9590), (33.52, 0.9166), (32.09, 0.8978), (31.92, 0.9256), (38.36, 0.976)),
    ),
    System(
        "MoreMNAS-A", "table", printed_gmacs=238.6, note="its structure is not at hand: published figures only",
        printed=_printed((37.63, 0.9584), (33.23, 0.9138), (31.95, 0.8961), (31.24, 0.9187)),
    ),
    System(
        "FALSR-B", "table", "falsr-b", printed_gmacs=74.7, own_rounding=True,
        note="printed as FALSR; the published file has 74.5 G",
        printed=_printed((37.61, 0.9585), (33.29, 0.9143), (31.97, 0.8967), (31.28, 0.9191), (37.46, 0.974)),
    ),
    System(
        "Residual Block", "table", "residual-block", printed_gmacs=47.5, retrained=True,
        note="the paper's program also ran 51.0 G that reach no output",
        printed=_printed((36.72, 0.955), (32.20, 0.905), (31.30, 0.888), (29.53, 0.897), (33.36, 0.962)),
    ),
    System(
        "RCAB", "table", "rcab", printed_gmacs=84.9, retrained=True,
        note="the paper's program also ran 51.0 G that reach no output",
        printed=_printed((37.66, 0.959), (33.17, 0.913), (31.93, 0.896), (31.19, 0.918), (37.80, 0.974)),
    ),
    System(
        "Random", "table", printed_gmacs=111.7, retrained=True,
        note="which genotype this was is not published; ours are below, with their seeds",
        printed=_printed((37.83, 0.959), (33.31, 0.915), (31.98, 0.897), (31.42, 0.920), (38.31, 0.976)),
    ),
    System(
        "HNAS-A", "table", genotype=NAMED_GENOTYPES["HNAS-A"], printed_gmacs=30.6,
        printed=_printed((37.84, 0.959), (33.39, 0.916), (32.06, 0.898), (31.50, 0.922), (38.15, 0.976)),
    ),
    System(
        "HNAS-B", "table", genotype=NAMED_GENOTYPES["HNAS-B"], printed_gmacs=48.2,
        printed=_printed((37.92, 0.960), (33.46, 0.917), (32.08, 0.898), (31.66, 0.924), (38.46, 0.977)),
    ),
    System(
        "HNAS-C", "table", genotype=NAMED_GENOTYPES["HNAS-C"], printed_gmacs=83.6,
        note="the printed cost belongs to position 10; stated is position 12, which is built here",
        printed=_printed((38.11, 0.964), (33.60, 0.920), (32.17, 0.902), (31.93, 0.928), (38.71, 0.985)),
    ),
)  # fmt: skip

#: What people with little compute use, and what the searched genotypes cost at a width that keeps the printed budgets.
BESIDE: tuple[System, ...] = (
    System(
        "FSRCNN", "beside", "fsrcnn", printed_gmacs=6.0, note="the published 6.0 G counts its last layer four times",
        printed=_printed((37.00, 0.9558), (32.63, 0.9088), (31.53, 0.8920), (29.88, 0.9020)),
    ),
    System("ESPCN", "beside", "espcn"),
    System(
        "CARN-M", "beside", "carn-m", printed_gmacs=91.2,
        printed=_printed((37.53, 0.9583), (33.26, 0.9141), (31.92, 0.8960), (31.23, 0.9194)),
    ),
    System(
        "MoreMNAS-D", "beside", "moremnas-d", printed_gmacs=152.4, own_rounding=True,
        printed=_printed((37.57, 0.9584), (33.25, 0.9142), (31.94, 0.8966), (31.25, 0.9191)),
    ),
    System("Plain", "beside", "plain", note="12 convolutions 3x3 of 32 channels"),
    *(
        System(f"{name}, C=16", "beside", genotype=genotype, channels=16)
        for name, genotype in NAMED_GENOTYPES.items()
    ),
)  # fmt: skip
