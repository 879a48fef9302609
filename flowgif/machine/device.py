"""Finds a device, makes its results repeatable, and sets the number of threads."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

from flowgif.errors import UnusableInput

__all__ = ["find_device", "repeatable", "use_threads"]


def find_device(name: str, heavy: bool) -> torch.device:
    """Returns the device of a name.

    Args:
        name: of the device; auto is CUDA for heavy work if it is available, else the CPU.
        heavy: whether the work's operations are so large that an accelerator pays.

    Raises:
        UnusableInput: the machine has no such device.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if heavy and available["cuda"] else "cpu")
    if not available[name]:
        usable = ", ".join(device for device, is_available in available.items() if is_available)
        raise UnusableInput(f"--device {name} is not available on this machine; usable: auto, {usable}")
    return torch.device(name)


@contextmanager
def repeatable(device: torch.device) -> Generator[None]:
    """Makes a device give the same bits each time inside the block, as the processor does anyway.

    An accelerator's threads add up gradients in whatever order they come, unless torch is told to keep one. A running
    sum is on torch's list of operations that may vary, but a row's is always added up in the same order.
    """
    if device.type == "cpu":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs for it, read at its first product
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("warn")  # unlike use_deterministic_algorithms, it imports no compiler
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "cumsum.* does not have a deterministic implementation")
            yield
    finally:
        torch.set_deterministic_debug_mode(before)


@contextmanager
def use_threads(count: int | None) -> Generator[None]:
    """Sets the number of threads of one operation of torch or numpy inside the block, and restores it afterwards.

    Threads that share an operation add up parts of its sums, so its last bits depend on their number. What must be the
    same everywhere therefore has a fixed number of them.

    numpy's products always use one thread: they are too small for a second to save time, and where another program has
    the second core, every product waits for it. Threads that each do a part of the work by itself do not wait.

    Args:
        count: number of threads of one operation of torch; None for as many as before.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)
