"""``python -m flowgif``, and the console script."""

from __future__ import annotations

import _thread
import codecs
import gc
import io
import os
import signal
import sys
import threading
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def main() -> None:
    """Runs the command line. A signal ends it without a traceback, also while modules are imported."""
    _open_streams()
    if "OMP_WAIT_POLICY" not in os.environ:
        # torch's threads wait for each other by spinning. Where another process has the core, that takes twenty times
        # longer. A short spin before they sleep costs nothing elsewhere. OpenMP reads this when torch is imported.
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # Imports make some hundred thousand objects that stay to the end. With Python's own thresholds, looking for garbage
    # among them again and again takes a tenth of the start.
    gc.set_threshold(50_000, 10, 10)
    from flowgif.errors import STOPPING, ExitCode

    for number in STOPPING:
        # A process that ignores a signal, as in a shell's background or under nohup, goes on ignoring it.
        if signal.getsignal(number) in {signal.default_int_handler, signal.SIG_DFL}:
            signal.signal(number, _interrupt)
    try:
        from flowgif.cli.main import main as run

        run()
    except KeyboardInterrupt as stopped:
        code = getattr(stopped, "exit_code", ExitCode.INTERRUPTED)
        sys.stderr.write(f"flowgif: {code.meaning}\n")
        sys.exit(code)


class _Forgiving(io.FileIO):
    """A file that loses what cannot be written."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _open_streams() -> None:
    """Makes the standard streams such that what is said never ends the work.

    What is said goes to stderr, which may be closed, full, or without a reader. What cannot be encoded is escaped on
    both streams, and parts of a path that are no valid Unicode are written to stdout as they are in the path.
    """
    # A file that is opened later would take the number of a closed stream, and receive what libraries say.
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    stderr = io.BufferedWriter(_Forgiving(2, "wb", closefd=False))
    sys.stderr = io.TextIOWrapper(stderr, encoding, "backslashreplace", line_buffering=True)
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (open to the end)
    codecs.register_error("flowgif", _escape)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="flowgif")


def _escape(error: UnicodeError) -> tuple[bytes, int]:
    """Encodes what an encoding has not: bytes of a path as they were, everything else as an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    is_byte = (0xDC80 <= ord(letter) <= 0xDCFF for letter in letters)
    parts = [
        bytes([ord(letter) - 0xDC00]) if raw else letter.encode("unicode_escape")
        for letter, raw in zip(letters, is_byte, strict=True)
    ]
    return b"".join(parts), error.end


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Handles a signal: raises Stopped, but never while a module is imported; then it tries again in 20 ms.

    Libraries catch whatever an import of theirs raises and take the module for missing. They then go on without it, or
    fail later.
    """
    from flowgif.errors import STOPPING, Stopped

    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            threading.Timer(0.02, partial(_interrupt_again, number)).start()
            return
        frame = frame.f_back
    raise Stopped(STOPPING[signal.Signals(number)])


_interrupt.is_flowgifs = True  # pyright: ignore[reportFunctionMemberAccess]  # a training may wait for a step's end


def _interrupt_again(number: int) -> None:
    if sys.platform == "win32":
        _thread.interrupt_main(number)
    else:  # unlike interrupt_main, a signal also ends a wait of the main thread
        signal.pthread_kill(threading.main_thread().ident or 0, number)


if __name__ == "__main__":
    main()
