"""Says what the processor is capable of, without torch, which takes seconds to ask."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

__all__ = ["count_processors", "count_threads", "describe_processor", "read_cpuinfo", "read_instructions"]

CPUINFO = Path("/proc/cpuinfo")
WINDOWS_HAS_AVX2 = 40  # PF_AVX2_INSTRUCTIONS_AVAILABLE


def count_processors() -> int:
    """Returns how many processors this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count_threads() -> int:
    """Returns how many threads may work at the same time: one a processor, or fewer if OMP_NUM_THREADS says so."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]  # after a comma: of threads within threads
    return min(count_processors(), int(wanted)) if wanted.isdecimal() and int(wanted) else count_processors()


def read_cpuinfo(key: str) -> str:
    """Returns what Linux says of the first processor under a key, which may be a pattern; else nothing."""
    try:
        text = CPUINFO.read_text("utf-8", "replace")
    except OSError:
        return ""
    found = re.search(rf"^{key}\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def read_instructions() -> frozenset[str]:
    """Returns the names of the processor's instruction sets, as Linux spells them; none elsewhere."""
    return frozenset(read_cpuinfo("(?:flags|Features)").split())


def _has_avx2() -> bool | None:
    """Returns whether an x86 processor has AVX2; None if the system does not say."""
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.kernel32.IsProcessorFeaturePresent(WINDOWS_HAS_AVX2))
    instructions = read_instructions()
    return "avx2" in instructions if instructions else None


def describe_processor() -> str:
    """Returns in a few words how many processors there are, and whether they lack what trainings gain from."""
    count = count_processors()
    machine = platform.machine()
    cores = f"{count} {machine or 'unknown'} core{'' if count == 1 else 's'}"
    if machine.lower() not in {"x86_64", "amd64", "i686", "i386", "x86"}:
        return cores  # all others that torch is built for have what it uses
    match _has_avx2():
        case True:
            return f"{cores} with AVX2"
        case False:
            return f"{cores} without AVX2, which makes trainings slower"
        case None:
            return f"{cores}, AVX2 unknown"
