"""The errors that commands report, each with its exit code."""

from __future__ import annotations

import difflib
import signal
import unicodedata
from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar

__all__ = [
    "STOPPING",
    "CheckFailed",
    "ExitCode",
    "FlowgifError",
    "Interrupted",
    "NumericalError",
    "Stopped",
    "UnusableInput",
    "as_flowgif_error",
    "did_you_mean",
    "printable",
]


class ExitCode(IntEnum):
    """The exit code of a command.

    Attributes:
        meaning: the meaning of the code in a few words, for help.
    """

    meaning: str

    DONE = 0, "done"
    CHECK_FAILED = 1, "a bound that was asked for is missed"
    UNUSABLE_INPUT = 2, "wrong usage or unusable input"
    NUMERICAL_FAILURE = 3, "numerical failure"
    FAULT = 4, "a fault of the program or the machine, in a row of a batch"
    # 128 and the number of the signal, as shells count.
    HUNG_UP = 129, "the terminal was closed"
    INTERRUPTED = 130, "interrupted"
    READER_GONE = 141, "the reader of the output stopped reading"
    TERMINATED = 143, "terminated"

    def __new__(cls, code: int, meaning: str) -> ExitCode:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


# The signals that ask a program to end, with their exit codes. Windows has only the first.
STOPPING = {
    signal.Signals[name]: code
    for name, code in (
        ("SIGINT", ExitCode.INTERRUPTED), ("SIGTERM", ExitCode.TERMINATED), ("SIGHUP", ExitCode.HUNG_UP)
    )
    if name in signal.Signals.__members__
}  # fmt: skip


class FlowgifError(Exception):
    """The base class of errors whose message is one line with the problem, its place and the remedy."""

    exit_code: ExitCode = ExitCode.UNUSABLE_INPUT


class UnusableInput(FlowgifError):
    """A picture, config, run or option that cannot be used."""


class CheckFailed(FlowgifError):
    """A bound that the user set was missed."""

    exit_code = ExitCode.CHECK_FAILED


class NumericalError(FlowgifError):
    """A computation gave numbers that are not finite or not accurate enough."""

    exit_code = ExitCode.NUMERICAL_FAILURE


class Interrupted(FlowgifError):
    """A signal ended the work; the message says how to continue.

    Args:
        message: the message.
        exit_code: the exit code that goes with the signal; by default that of Ctrl-C.
    """

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.INTERRUPTED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Stopped(KeyboardInterrupt):
    """A signal that ends the work at once.

    Args:
        exit_code: the exit code that goes with the signal.

    Attributes:
        latest: the exit code of the last one, for where libraries make another error of it.
    """

    latest: ClassVar[ExitCode] = ExitCode.INTERRUPTED

    def __init__(self, exit_code: ExitCode) -> None:
        super().__init__()
        self.exit_code = Stopped.latest = exit_code


# torch's words, which has no error of its own for it on a processor.
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "Storage size calculation overflowed")


def as_flowgif_error(error: Exception) -> FlowgifError | None:
    """Returns an error that commands report; None for a fault of the program."""
    if isinstance(error, FlowgifError):
        return error
    if isinstance(error, OSError):
        place = error.filename or "output"
        return UnusableInput(f"{place}: {error.strerror or error}; check the place and its permissions")
    text = str(error)
    if isinstance(error, (MemoryError, OverflowError)) or any(words in text for words in OUT_OF_MEMORY):
        return UnusableInput("a number is larger than this machine's memory; give smaller ones")
    return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns "did you mean 'X'?" for the nearest known word, or 'known: a, b, c' if none is near."""
    known = list(known)
    matches = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{matches[0]}'?" if matches else f"known: {', '.join(known)}"


HARMLESS = {"\n", "\u200c", "\u200d"}  # the last two join letters, or emoji


def printable(text: str) -> str:
    """Returns a text with what a terminal might obey, or cannot show, in the form of escapes.

    These are control characters, marks of the direction of writing, and parts of names that are no valid Unicode. New
    lines stay.
    """
    return "".join(
        letter
        if letter in HARMLESS or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
