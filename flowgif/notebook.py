"""Shows progress in a notebook: one output that is updated in place. Outside of notebooks there is none.

IPython is never imported by this package: where there is a notebook, it is there already.
"""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flowgif.units import describe_time_left

if TYPE_CHECKING:
    from types import TracebackType

    from flowgif.evaluation.gap import Gap
    from flowgif.training.trainer import StepRecord

__all__ = ["NotebookProgress"]

SECONDS_BETWEEN = 0.2  # least time between two updates of the output


def _find_display() -> Callable[..., Any] | None:
    """Returns IPython's ``display`` inside a notebook's kernel; None in any other program, a terminal's IPython too."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return import_module("IPython.display").display if hasattr(shell, "kernel") else None


class NotebookProgress(AbstractContextManager["NotebookProgress"]):
    """Shows the messages and the progress of a training, an evaluation or an animation in a notebook.

    What was said stays in the notebook; the bar vanishes at the end. Outside of a notebook nothing is shown.

    Args:
        quiet: whether to show nothing in a notebook either.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._display = None if quiet else _find_display()
        self._handle: Any = None
        self._said: list[str] = []
        self._task = self._fields = ""
        self._share: float | None = None
        self._started = self._shown = 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._task = ""
        self._show(at_once=True)

    def say(self, text: str) -> None:
        """Shows a sentence that stays."""
        self._said.append(text)
        self._show(at_once=True)

    def begin(self, task: str) -> None:
        """Shows a task, whose share is unknown until it advances."""
        self._task, self._share, self._fields, self._started = task, None, "", time.monotonic()
        self._show()

    def advance(self, share: float, *fields: str) -> None:
        """Shows the share of the task that is done, within [0, 1], and figures of the task."""
        self._share, self._fields = share, "  ".join(fields)
        self._show()

    def step(self, record: StepRecord, gap: Gap | None) -> None:
        """Shows a step of training, and the gap at the last checkpoint, None before the first."""
        if self._task != "training":
            self._task, self._started = "training", time.monotonic() - record.seconds
        gaps = [] if gap is None else [f"gap {gap.gap:.4f}"]
        self.advance(record.done, *gaps, f"step {record.step}", f"loss {record.loss:.4f}")

    def _show(self, at_once: bool = False) -> None:
        now = time.monotonic()
        if self._display is None or (not at_once and now - self._shown < SECONDS_BETWEEN):
            return
        self._shown = now
        lines, bar = list(self._said), ""
        if self._task:
            words = [self._task]
            if self._share is not None:
                passed = now - self._started
                words += [f"{self._share:.0%}", describe_time_left(passed * (1 / max(self._share, 1e-9) - 1))]
                bar = f'<progress value="{self._share:.3f}" style="width: 16em"></progress> '
            lines.append("  ".join([*words, self._fields]).rstrip())
        if self._handle is None and not lines:
            return
        page = [html.escape(line) for line in lines]
        if self._task:
            page[-1] = bar + page[-1]
        bundle = {"text/plain": "\n".join(lines), "text/html": "<br>".join(page)}
        if self._handle is None:
            self._handle = self._display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
