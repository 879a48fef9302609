"""``python -m flowgif``, and the console script."""

from __future__ import annotations

import _thread
import gc
import os
import signal
import sys
import threading
from types import FrameType


def main() -> None:
    """Runs the command line. An interrupt ends it without a traceback, also while modules are imported."""
    if "OMP_WAIT_POLICY" not in os.environ:
        # torch's threads wait for each other by spinning. Where another process has the core, that takes twenty times
        # longer. A short spin before they sleep costs nothing elsewhere. OpenMP reads this when torch is imported.
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # Imports make some hundred thousand objects that stay to the end. With Python's own thresholds, looking for garbage
    # among them again and again takes a tenth of the start.
    gc.set_threshold(50_000, 10, 10)
    # A process that ignores interrupts, as in a shell's background, goes on ignoring them.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from flowgif.cli.main import main as run

        run()
    except KeyboardInterrupt:
        from flowgif.errors import ExitCode

        sys.stderr.write("flowgif: interrupted\n")
        sys.exit(ExitCode.INTERRUPTED)


def _interrupt(_: int, frame: FrameType | None) -> None:
    """Handles Ctrl-C: raises KeyboardInterrupt, but never while a module is imported; then it tries again in 20 ms.

    Libraries catch whatever an import of theirs raises and take the module for missing. They then go on without it, or
    fail later.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            threading.Timer(0.02, _interrupt_again).start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _interrupt_again() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # unlike interrupt_main, a signal also ends a wait of the main thread
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


if __name__ == "__main__":
    main()
