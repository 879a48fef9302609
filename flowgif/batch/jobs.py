"""What a batch consists of. It needs no torch, and everything here can be sent to another machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowgif.errors import ExitCode

__all__ = ["Call", "Job", "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes:
        files: the files that it made, by name.
        figures: what it found, such as gap and gap_se (nats), by name.
        seconds: how long it took.
        error: the line that says why it failed; None if it did not.
        exit_code: what the command would have ended with, alone.
    """

    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    figures: Mapping[str, Any] = field(default_factory=dict[str, Any])
    seconds: float = 0.0
    error: str | None = None
    exit_code: ExitCode = ExitCode.DONE


# A function of flowgif.batch.work and its arguments. They hold the contents of files, because a worker may see no disk
# of the caller's.
Call = tuple[Callable[..., Outcome], tuple[Any, ...]]


@dataclass(frozen=True)
class Job:
    """A job of a batch.

    Attributes:
        name: its name, unlike all others of the batch.
        prepare: reads its input. It is called late, so that few inputs are in memory; raises FlowgifError.
    """

    name: str
    prepare: Callable[[], Call]
