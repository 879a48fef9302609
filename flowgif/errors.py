"""The errors that a user can cause or meet, each with the exit code that a script sees."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar

__all__ = ["CheckFailed", "ExitCode", "FlowgifError", "Interrupted", "NumericalError", "UnusableInput", "did_you_mean"]


class ExitCode(IntEnum):
    """How a command ended.

    Attributes:
        meaning: in a few words, as help shows it.
    """

    meaning: str

    DONE = 0, "done"
    CHECK_FAILED = 1, "a bound that was asked for is missed"
    UNUSABLE_INPUT = 2, "wrong usage or unusable input"
    NUMERICAL_FAILURE = 3, "numerical failure"
    INTERRUPTED = 130, "interrupted"  # 128 + SIGINT, as shells count
    READER_GONE = 141, "the reader of the output stopped reading"  # 128 + SIGPIPE

    def __new__(cls, code: int, meaning: str) -> ExitCode:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


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
