"""Measures commands, each in a process of its own, so that start-up counts."""

from __future__ import annotations

import json
import os
import pty
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["FLOWGIF", "ROOT", "Failed", "Timed", "call", "run", "run_in_terminal", "run_program"]

ROOT = Path(__file__).parents[2]
FLOWGIF = Path(sys.executable).with_name("flowgif")
CALL = ROOT / "benchmarks" / "call.py"
BYTES_PER_RSS = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


class Failed(Exception):
    """A measured command ended with an exit code other than 0."""


@dataclass(frozen=True)
class Timed:
    """What a command cost.

    Attributes:
        seconds: wall time from start to end.
        cpu: seconds of processor time, over all its threads.
        megabytes: the largest resident memory.
        out: what it printed on stdout.
    """

    seconds: float
    cpu: float
    megabytes: float
    out: str

    @property
    def cost(self) -> dict[str, float]:
        """The figures without the output, rounded to what they are good for."""
        return {
            "seconds": round(self.seconds, 3),
            "cpu": round(self.cpu, 3),
            "megabytes": round(self.megabytes, 1),
        }


def run_program(words: list[str], environment: Mapping[str, str] | None = None) -> Timed:
    """Runs a program in the current folder and measures it, as the operating system counts.

    A program starts with the memory of the process that starts it, and that is the least peak that can be measured. So
    the benchmark's own process imports neither torch nor numpy.

    Args:
        words: the program's path and its arguments.
        environment: variables that are set on top of this process's.

    Raises:
        Failed: the exit code is not 0; the message holds the end of stderr.
    """
    with tempfile.TemporaryFile("w+") as err:

        def end_of_stderr() -> str:
            err.seek(0)
            return err.read()

        return _measured(words, environment, err.fileno(), lambda: None, end_of_stderr)


def run_in_terminal(*args: object, environment: Mapping[str, str] | None = None) -> tuple[Timed, float]:
    """Runs the installed ``flowgif`` with stderr on a terminal, and measures it.

    Returns:
        The cost, and the longest time in which nothing came to the terminal, seconds.

    Raises:
        Failed: the exit code is not 0.
    """
    reader, terminal = pty.openpty()
    said, silence = bytearray(), 0.0

    def listen() -> None:
        nonlocal silence
        os.close(terminal)
        last = time.perf_counter()
        while True:
            try:
                part = os.read(reader, 1 << 16)
            except OSError:  # so Linux says that the last writer has gone
                part = b""
            now = time.perf_counter()
            silence = max(silence, now - last)
            last = now
            if not part:
                return
            said.extend(part)

    words = [str(FLOWGIF), *map(str, args)]
    variables = {"TERM": "xterm-256color", "COLUMNS": "100", **(environment or {})}
    try:
        timed = _measured(words, variables, terminal, listen, lambda: said.decode(errors="replace"))
    finally:
        os.close(reader)
    return timed, silence


def _measured(
    words: list[str],
    environment: Mapping[str, str] | None,
    stderr: int,
    listen: Callable[[], None],
    said: Callable[[], str],
) -> Timed:
    """Runs and measures a program.

    Args:
        words, environment: see :func:`run_program`.
        stderr: the descriptor of what is its stderr.
        listen: reads that until it is closed, if somebody has to.
        said: returns what came to stderr.
    """
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        pid = os.posix_spawn(
            words[0],
            words,
            {**os.environ, **(environment or {})},
            file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_DUP2, stderr, 2)],
        )
        listen()
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - start
        if os.waitstatus_to_exitcode(status) != 0:
            raise Failed(f"{' '.join(words)}\n{said()[-2000:]}")
        out.seek(0)
        return Timed(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * BYTES_PER_RSS / 2**20, out.read())


def run(*args: object, environment: Mapping[str, str] | None = None) -> Timed:
    """Runs the installed ``flowgif`` with these arguments and measures it."""
    silent = () if {"--help", "--version"} & {*args} else ("--quiet",)
    return run_program([str(FLOWGIF), *map(str, args), *silent], environment)


def call(function: str, environment: Mapping[str, str] | None = None, **arguments: Any) -> tuple[Timed, Any]:
    """Calls a function of the benchmarks in a process of its own.

    Args:
        function: the function as ``module:name``.
        environment: variables that are set on top of this process's.
        arguments: its arguments, which JSON can hold.

    Returns:
        The cost of the process, and what the function returned.
    """
    timed = run_program([sys.executable, str(CALL), function, json.dumps(arguments)], environment)
    return timed, json.loads(timed.out)
