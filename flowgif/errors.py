"""Everything that can go wrong for a user, each with the exit code that a script sees."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar

__all__ = ["CheckFailed", "ExitCode", "FlowgifError", "Interrupted", "NumericalError", "UnusableInput", "did_you_mean"]


class ExitCode(IntEnum):
    """How a command ended.

    Attributes:
        DONE: it did what was asked.
        CHECK_FAILED: a bound that the user asked for was missed.
        UNUSABLE_INPUT: wrong usage, or input that cannot be used.
        NUMERICAL_FAILURE: the numbers left the range in which they mean anything.
        INTERRUPTED: Ctrl-C, 128 + SIGINT as shells count.
        READER_GONE: whoever read stdout stopped reading, 128 + SIGPIPE.
    """

    DONE = 0
    CHECK_FAILED = 1
    UNUSABLE_INPUT = 2
    NUMERICAL_FAILURE = 3
    INTERRUPTED = 130
    READER_GONE = 141


class FlowgifError(Exception):
    """One line that says what is wrong, where, and the remedy."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNUSABLE_INPUT


class UnusableInput(FlowgifError):
    """A picture, config, run or option that cannot be used."""


class CheckFailed(FlowgifError):
    """A bound that the user asked for was missed."""

    exit_code = ExitCode.CHECK_FAILED


class NumericalError(FlowgifError):
    """The numbers left the range in which they mean anything."""

    exit_code = ExitCode.NUMERICAL_FAILURE


class Interrupted(FlowgifError):
    """Ctrl-C; the message says how to go on."""

    exit_code = ExitCode.INTERRUPTED


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns "did you mean 'X'?" for the nearest known word, or 'known: a, b, c' if none is near."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
