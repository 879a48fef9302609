"""What a user sees while something is going on; all of it on stderr."""

from __future__ import annotations

import os
import sys
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowgif.evaluation import Gap
    from flowgif.training.trainer import StepRecord

__all__ = ["Progress"]


class Progress(AbstractContextManager["Progress"]):
    """A live line on a terminal, a plain line now and then elsewhere, nothing when quiet."""

    PLAIN_SECONDS = 5.0
    LIVE_SECONDS = 0.1

    def __init__(self, quiet: bool) -> None:
        from rich.console import Console

        self._quiet = quiet
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty()
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._live = None if quiet or plain else self._console.status("")
        self._last = time.monotonic() if self._live is None else 0.0

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """A sentence that stays."""
        if not self._quiet:
            self._console.print(text, markup=False)

    def now(self, text: str) -> None:
        """What is going on; on a terminal the line is overwritten by the next."""
        now = time.monotonic()
        if self._live is not None and now - self._last >= self.LIVE_SECONDS:
            from rich.text import Text

            self._last = now
            # One line in any window: what is too long ends in an ellipsis.
            self._live.update(Text(text, no_wrap=True, overflow="ellipsis"))
        elif self._live is None and not self._quiet and now - self._last >= self.PLAIN_SECONDS:
            self._last = now
            self.say(text)

    def step(self, record: StepRecord, gap: Gap | None) -> None:
        """A step of training."""
        left = record.seconds * (1 - record.done) / max(record.done, 1e-9)
        text = f"step {record.step}  loss {record.loss:.4f}"
        text += "" if gap is None else f"  gap {gap.gap:.4f}"
        self.now(f"{text}  {left:.0f} s left  {record.step / record.seconds:.1f} steps/s")
