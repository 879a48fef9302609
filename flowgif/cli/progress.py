"""Shows progress on stderr while a command works.

On a terminal the progress is one line, drawn by rich: a bar with its share, the time left and figures of the task.
Elsewhere it is a plain line every few seconds, and one that names a task which takes longer than a moment.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from flowgif.errors import printable
from flowgif.units import describe_time_left

if TYPE_CHECKING:
    from types import TracebackType

    from flowgif.cli.live import LiveLine
    from flowgif.evaluation.gap import Gap
    from flowgif.training.trainer import StepRecord

__all__ = ["Progress"]

TRAINING = "training"


class Progress(AbstractContextManager["Progress"]):
    """Shows what a command does: a live line on a terminal, a plain line every few seconds elsewhere.

    Args:
        quiet: whether to show nothing at all.
    """

    PLAIN_SECONDS = 5.0  # least time between two plain lines of a task
    PATIENCE = 2.0  # seconds until a plain line names a task of which nothing else is known

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._task = ""
        self._last = time.monotonic()
        self._live: LiveLine | None = None
        self._timer: threading.Timer | None = None
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty()
        if not quiet and not plain:
            from flowgif.cli.live import LiveLine

            self._live = LiveLine()

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Erases the live line and shows no other; sentences are still printed."""
        self._stop_waiting()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """Prints a sentence that stays on the screen."""
        text = printable(text)
        if self._live is not None:
            self._live.say(text)
        elif not self._quiet:
            print(text, file=sys.stderr, flush=True)

    def begin(self, task: str) -> None:
        """Shows a task, whose share is unknown until it advances; an unfinished task of this name is resumed.

        Args:
            task: a description of the task, such as 'loading PyTorch ...'.
        """
        self._task = task = printable(task)
        self._stop_waiting()
        if self._live is not None:
            self._live.begin(task)
        elif not self._quiet:
            # A thread, because the task itself may say nothing until it ends.
            self._timer = threading.Timer(self.PATIENCE, self.say, [task])
            self._timer.daemon = True
            self._timer.start()

    def advance(self, share: float, *fields: str) -> None:
        """Shows the share of the task that is done.

        Args:
            share: the share that is done, within [0, 1].
            fields: figures of the task, the most important first, such as 'frame 3 of 60'.
        """
        if self._live is not None:
            self._live.show(share, fields)
        else:
            self._say_now_and_then("  ".join(fields) if fields else f"{self._task}  {share:.0%}")

    def step(self, record: StepRecord, gap: Gap | None) -> None:
        """Shows a step of training.

        Args:
            record: the step.
            gap: the gap at the last checkpoint, None before the first.
        """
        step, loss = f"step {record.step}", f"loss {record.loss:.4f}"
        gaps = [] if gap is None else [f"gap {gap.gap:.4f}"]
        speed = f"{record.step / record.seconds:.1f} steps/s"
        if self._live is None:
            left = describe_time_left(record.seconds * (1 - record.done) / max(record.done, 1e-9))
            self._say_now_and_then("  ".join((step, loss, *gaps, left, speed)))
            return
        if self._task != TRAINING:
            self.begin(TRAINING)
        self._live.show(record.done, (*gaps, step, loss, speed))

    def _say_now_and_then(self, text: str) -> None:
        now = time.monotonic()
        if now - self._last >= self.PLAIN_SECONDS:
            self._last = now
            self._stop_waiting()
            self.say(text)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
