"""Finds a device, sets the number of threads, and delays Ctrl-C until a training can stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import torch
from threadpoolctl import threadpool_limits

from flowgif.errors import UnusableInput

__all__ = ["delay_interrupts", "find_device", "use_threads"]


def find_device(name: str) -> torch.device:
    """Returns the device of a name; auto is CUDA if it is available, else the CPU.

    Raises:
        UnusableInput: the machine has no such device.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if available["cuda"] else "cpu")
    if not available[name]:
        usable = ", ".join(device for device, is_available in available.items() if is_available)
        raise UnusableInput(f"--device {name} is not available on this machine; usable: auto, {usable}")
    return torch.device(name)


@contextmanager
def use_threads(count: int | None) -> Generator[None]:
    """Sets the number of threads of one operation of torch or numpy inside the block, and restores it afterwards.

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


@contextmanager
def delay_interrupts() -> Generator[threading.Event]:
    """Makes Ctrl-C set an event inside the block instead of raising; a second Ctrl-C raises KeyboardInterrupt at once.

    This works only in the main thread. In other threads the event is never set.

    Yields:
        The event, which the work checks wherever it can stop.
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def handle(signum: int, frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
