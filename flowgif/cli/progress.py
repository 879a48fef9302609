"""What a user sees while something is going on; all of it on stderr."""

from __future__ import annotations

import os
import sys
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowgif.evaluation.gap import Gap
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

    def now(self, *fields: str) -> None:
        """What is going on, the most important first; on a terminal the line is overwritten by the next."""
        now = time.monotonic()
        if self._live is not None and now - self._last >= self.LIVE_SECONDS:
            from rich.text import Text

            self._last = now
            # One line in any window: fields that do not fit beside the spinner are left out.
            room = self._console.width - 4
            shown = [field for i, field in enumerate(fields) if len("  ".join(fields[: i + 1])) <= room]
            self._live.update(Text("  ".join(shown or fields[:1]), no_wrap=True, overflow="ellipsis"))
        elif self._live is None and not self._quiet and now - self._last >= self.PLAIN_SECONDS:
            self._last = now
            self.say("  ".join(fields))

    def step(self, record: StepRecord, gap: Gap | None) -> None:
        """A step of training."""
        left = record.seconds * (1 - record.done) / max(record.done, 1e-9)
        fields = [f"step {record.step}", f"loss {record.loss:.4f}"]
        fields += [] if gap is None else [f"gap {gap.gap:.4f}"]
        minutes = f"{left / 60:.0f} min left" if left >= 120 else f"{left:.0f} s left"
        self.now(*fields, minutes, f"{record.step / record.seconds:.1f} steps/s")
