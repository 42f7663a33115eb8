"""What this machine is, in words, without anything that takes long to import."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def most_threads() -> int:
    """As many as the machine runs at a time."""
    return os.cpu_count() or 1


def default_threads() -> int:
    """Two, or one where the machine has no more."""
    return min(2, most_threads())


def other_work() -> str:
    """What else keeps the machine busy, in words; empty where at most half of its processors are taken."""
    import psutil

    load, processors = psutil.getloadavg()[0], most_threads()
    if load <= processors / 2:
        return ""
    return f"a load of {load:.1f} on {processors} processor{'s' if processors > 1 else ''}"


def processor_name() -> str:
    """The processor's name; the standard library gives only its family on Linux."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def processor() -> str:
    """The processor and its vector units in words."""
    return ", ".join((processor_name(), *vector_units()))


def vector_units() -> tuple[str, ...]:
    """Which of AVX2 and AVX512 the processor has; empty where the system does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ()
    flags = next((line.split(":", 1)[1].split() for line in text.splitlines() if line.startswith("flags")), [])
    return tuple(name for flag, name in (("avx2", "AVX2"), ("avx512f", "AVX512")) if flag in flags)
