"""Jobs of batches for tests, which workers import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from flowgif.batch.jobs import Outcome

__all__ = ["die", "die_once", "fail", "number"]


def number(value: int, note: Path | None = None) -> Outcome:
    """Returns a number; notes that it was here."""
    _note(note)
    return Outcome(figures={"number": value})


def die(note: Path) -> Outcome:
    """Kills its worker."""
    _note(note)
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
    return Outcome()


def die_once(value: int, note: Path) -> Outcome:
    """Kills its first worker, and returns a number in the next one."""
    if not note.exists():
        die(note)
    return number(value, note)


def fail() -> Outcome:
    """Has a fault."""
    raise ZeroDivisionError("of a test")


def _note(note: Path | None) -> None:
    if note is not None:
        with note.open("a") as file:
            file.write("x")
