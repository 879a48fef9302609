"""Describes the machine, the software and the arithmetic that a figure was measured with."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from common.measure import ROOT, call
from flowgif.machine.processor import count_processors, read_cpuinfo, read_instructions

__all__ = ["Arithmetic", "describe", "find_arithmetics", "short_name"]

# Flags of these families decide how fast torch multiplies matrices.
FLAG = re.compile(r"avx\w*|amx\w*|f16c|fma|asimd\w*|bf16|sve\w*")
LARGER = re.compile(r"avx512\w*|avx_?vnni|amx\w*")
ONLY_AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
PACKAGES = (
    "torch", "numpy", "scipy", "matplotlib", "pillow", "torchdiffeq", "flowgif", "zuko", "normflows", "torchcfm",
    "pot", "imageio-ffmpeg",
)  # fmt: skip
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Arithmetic:
    """The instructions that the measured commands may use.

    Attributes:
        name: as tables and keys show it.
        environment: variables that limit a command to these instructions.
    """

    name: str
    environment: dict[str, str] = field(default_factory=dict, hash=False)


def _instructions() -> list[str]:
    return sorted(flag for flag in read_instructions() if FLAG.fullmatch(flag))


def find_arithmetics() -> list[Arithmetic]:
    """Returns what can be measured here: all instructions, and AVX2 alone where the processor has more than that."""
    larger = [flag for flag in _instructions() if LARGER.fullmatch(flag)]
    if not larger:
        return [Arithmetic("AVX2" if "avx2" in _instructions() else "all")]
    families = ["AVX512", *(name for name in ("bf16", "amx") if any(name in flag for flag in larger))]
    return [Arithmetic(" + ".join(families)), Arithmetic("AVX2", ONLY_AVX2)]


def torch_arithmetic() -> dict[str, object]:
    """Returns what torch says of the instructions that it uses in this process."""
    import torch

    mkldnn = torch.ops.mkldnn
    return {
        "capability": torch.backends.cpu.get_cpu_capability(),
        "bfloat16": bool(mkldnn._is_mkldnn_bf16_supported()) if hasattr(mkldnn, "_is_mkldnn_bf16_supported") else None,
        "threads": torch.get_num_threads(),
    }


def _versions() -> dict[str, str]:
    found: dict[str, str] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _commit() -> str | None:
    """Returns the commit of the checked-out code; a + says that files differ from it. None outside a repository."""
    try:
        commit, changed = (
            subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
            for words in (["rev-parse", "--short=12", "HEAD"], ["status", "--porcelain", "--", "flowgif"])
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed else "")


def _gigabytes() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def describe() -> dict[str, Any]:
    """Returns the machine, the versions and the arithmetics, as a results file holds them."""
    arithmetics = find_arithmetics()
    described: dict[str, Any] = {
        "machine": {
            "processor": read_cpuinfo("model name") or platform.processor(),
            "cores": os.cpu_count(),
            "usable_cores": count_processors(),
            "memory_gigabytes": _gigabytes(),
            "instructions": _instructions(),
            "system": platform.system(),
        },
        "versions": _versions(),
        "commit": _commit(),
        "arithmetics": {
            each.name: {
                "environment": each.environment,
                "torch": call("common.machine:torch_arithmetic", each.environment)[1],
            }
            for each in arithmetics
        },
        "threads": {name: os.environ.get(name) for name in THREADS},
    }
    if len(arithmetics) == 1:
        described["note"] = "The processor has no instructions beyond these, so one arithmetic was measured."
    return described


def short_name(described: dict[str, Any]) -> str:
    """Returns one line for a table's caption."""
    machine, versions = described["machine"], described["versions"]
    cores, usable = machine["cores"], machine.get("usable_cores", machine["cores"])
    used = f"{cores}" if usable == cores else f"{usable} of {cores}"
    return (
        f"{machine['processor']}, {used} cores, {', '.join(described['arithmetics'])}, "
        f"Python {versions['python']}, torch {versions['torch']}"
    )
