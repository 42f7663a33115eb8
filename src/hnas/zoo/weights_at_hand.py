"""Which weights of published systems are at hand: files of this project, and published ones under their own names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hnas.bundled import bundled_models
from hnas.run_files import WEIGHTS
from hnas.weights import read_weights
from hnas.zoo.small_systems import SMALL
from hnas.zoo.table_two import BESIDE, SCALE, TABLE_TWO, System

#: Names under which weights are published; what has no scale in its name holds those of every scale of the system.
PUBLISHED_FILES = {
    "CARN": ("carn.pth",),
    "CARN-M": ("carn_m.pth",),
    "FALSR-B": ("FALSR-B.npz",),
    "MoreMNAS-D": ("MoreMNAS-D.npz",),
    "VDSR": ("VDSR_Official.mat", "VDSR.mat", "vdsr.pth"),
    "SRCNN": ("srcnn_x{scale}.mat", "srcnn_x{scale}.pth"),
    "FSRCNN": ("fsrcnn_x{scale}.mat", "fsrcnn_x{scale}.pth"),
    "ECBSR-M4C16": ("ECBSR_M4C16_x{scale}.pth",),
    "ECBSR-M6C40": ("ECBSR_M6C40_x{scale}.pth",),
    "ABPN-M4C28": ("ABPN_M4C28_x{scale}.pth",),
    "ETDS-T": ("ETDS_M5C16_x{scale}.pth",),
    "ETDS-S": ("ETDS_M4C32_x{scale}.pth",),
    "ETDS-M": ("ETDS_M6C32_x{scale}.pth",),
    "ETDS-L": ("ETDS_M7C48_x{scale}.pth",),
    "ESPCN (RGB)": ("ESPCN_x{scale}.pth",),
    "FSRCNN (RGB)": ("FSRCNN_x{scale}.pth",),
    "SMFANet": ("SMFANet_DF2K_x{scale}.pth",),
    "SMFANet+": ("SMFANet_plus_DF2K_x{scale}.pth",),
}


def published_systems(scale: int) -> tuple[System, ...]:
    """The systems whose weights are published, of Table II, beside it and outside it, that have this scale."""
    known = (system for system in (*TABLE_TWO, *BESIDE, *SMALL) if system.name in PUBLISHED_FILES)
    return tuple(system for system in known if system.description(scale) is not None)


def published_names(system: System, scale: int = SCALE) -> tuple[str, ...]:
    """The names of the files that a system's weights are published under; empty where they are not."""
    return tuple(name.format(scale=scale) for name in PUBLISHED_FILES.get(system.name, ()))


def find_weights(system: System, folders: Sequence[Path], *, scale: int = SCALE) -> Path | None:
    """The weights of a system: in the first folder that has a run's, a file of its name or a published one; bundled.

    Args:
        system: of which weights are looked for.
        folders: where.
        scale: at other scales than that of Table II, files of this project are called ``<slug>-x<scale>.safetensors``.
    """
    own: tuple[str, ...] = ()
    if scale == SCALE:
        own = (f"{system.slug}/{WEIGHTS}", f"{system.slug}.safetensors")
    for folder in folders:
        for name in (*own, f"{system.slug}-x{scale}.safetensors", *published_names(system, scale)):
            if _is_file(folder / name):
                return folder / name
    description = system.description(scale)
    for path in bundled_models().values():
        if read_weights(path).description == description:
            return path
    return None


def _is_file(path: Path) -> bool:
    """As the system says, but for the case of letters: ``fsrcnn_x2.pth`` and ``FSRCNN_x2.pth`` are two networks."""
    return path.is_file() and any(path.name == found.name for found in path.parent.iterdir())


def weights_beside(benchmarks: Iterable[Path]) -> tuple[Path, ...]:
    """Folders called ``weights`` beside benchmarks, and the folders in them.

    Args:
        benchmarks: each the folder of all sets, or of one.
    """
    around = (folder for benchmark in benchmarks for folder in benchmark.resolve().parents[:2])
    found = dict.fromkeys(folder / "weights" for folder in around if (folder / "weights").is_dir())
    inside = {top: sorted(path for path in top.iterdir() if path.is_dir()) for top in found}
    return tuple(folder for top in found for folder in (top, *inside[top]))
