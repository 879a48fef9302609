"""``python -m flowgif``, and the console script."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from types import FrameType


def main() -> None:
    """Runs the command line; even its imports may be interrupted without a traceback."""
    if "OMP_WAIT_POLICY" not in os.environ:
        # torch's threads wait for each other by spinning. Where another process has the core, that takes twenty times
        # longer; a short spin before they sleep costs nothing where it has not. OpenMP reads this as torch is imported.
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # What is ignored, as in a shell's background, stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from flowgif.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("flowgif: interrupted\n")
        sys.exit(130)


def _interrupt(_: int, frame: FrameType | None) -> None:
    """Not within an import, but soon after: libraries take that for a missing module, and go on, or fall apart."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            threading.Timer(0.02, _interrupt_again).start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _interrupt_again() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # wakes it from waiting, too
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


if __name__ == "__main__":
    main()
