"""The errors that commands report, each with its exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar

__all__ = ["CheckFailed", "ExitCode", "FlowgifError", "Interrupted", "NumericalError", "UnusableInput", "did_you_mean"]


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
    INTERRUPTED = 130, "interrupted"  # 128 + SIGINT, as shells count
    READER_GONE = 141, "the reader of the output stopped reading"  # 128 + SIGPIPE

    def __new__(cls, code: int, meaning: str) -> ExitCode:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class FlowgifError(Exception):
    """The base class of errors whose message is one line with the problem, its place and the remedy."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNUSABLE_INPUT


class UnusableInput(FlowgifError):
    """A picture, config, run or option that cannot be used."""


class CheckFailed(FlowgifError):
    """A bound that the user set was missed."""

    exit_code = ExitCode.CHECK_FAILED


class NumericalError(FlowgifError):
    """A computation gave numbers that are not finite or not accurate enough."""

    exit_code = ExitCode.NUMERICAL_FAILURE


class Interrupted(FlowgifError):
    """The user pressed Ctrl-C; the message says how to continue."""

    exit_code = ExitCode.INTERRUPTED


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns "did you mean 'X'?" for the nearest known word, or 'known: a, b, c' if none is near."""
    known = list(known)
    matches = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{matches[0]}'?" if matches else f"known: {', '.join(known)}"
