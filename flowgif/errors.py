"""Everything that can go wrong for a user, each with the exit code that a script sees.

0 done, 1 a requested check failed, 2 wrong usage or unusable input, 3 numerical failure, 130 interrupted.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = ["CheckFailed", "FlowgifError", "Interrupted", "NumericalError", "UnusableInput", "did_you_mean"]


class FlowgifError(Exception):
    """One line that says what is wrong, where, and the remedy."""

    exit_code: ClassVar[int] = 2


class UnusableInput(FlowgifError):
    """A picture, config, run or option that cannot be used."""


class CheckFailed(FlowgifError):
    """A bound that the user asked for was missed."""

    exit_code = 1


class NumericalError(FlowgifError):
    """The numbers left the range in which they mean anything."""

    exit_code = 3


class Interrupted(FlowgifError):
    """Ctrl-C; the message says how to go on."""

    exit_code = 130


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean X?' for the nearest of the known words, or a list of them all where none is near."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
