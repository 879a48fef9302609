"""Delays the signals that end programs. It needs no torch."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from flowgif.errors import STOPPING, ExitCode, Stopped

__all__ = ["StopRequest", "delay_interrupts"]


class StopRequest(threading.Event):
    """Is set by a signal that asks the work to end.

    Attributes:
        exit_code: the exit code that goes with the signal.
    """

    exit_code: ExitCode = ExitCode.INTERRUPTED


@contextmanager
def delay_interrupts() -> Generator[StopRequest]:
    """Makes Ctrl-C, and the other signals that end programs, set an event inside the block; a second one ends at once.

    This works only in the main thread. In other threads the event is never set. A signal that the process ignores, as
    one that nohup started ignores the closing of its terminal, stays ignored, and so does one that a program which
    uses this package has a handler for.

    Yields:
        The event, which the work checks wherever it can stop.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def handle(number: int, frame: FrameType | None) -> None:
        code = STOPPING[signal.Signals(number)]
        if request.is_set():
            raise Stopped(code)
        request.exit_code = code
        request.set()

    before = {number: signal.getsignal(number) for number in STOPPING}
    usual = (signal.SIG_DFL, signal.default_int_handler)
    heard = [number for number, handler in before.items() if handler in usual or hasattr(handler, "is_flowgifs")]
    for number in heard:
        signal.signal(number, handle)
    try:
        yield request
    finally:
        for number in heard:
            signal.signal(number, before[number])
