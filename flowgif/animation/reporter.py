"""The interface that receives the progress of an animation."""

from __future__ import annotations

from typing import Protocol

__all__ = ["SILENT", "DrawingReporter"]


class DrawingReporter(Protocol):
    """Receives the progress of an animation."""

    def begin(self, task: str) -> None:
        """Receives the start of a task; the share of it that is done is not known yet."""

    def advance(self, share: float, *fields: str) -> None:
        """Receives the share of the task that is done, in [0, 1]; ``fields`` are details, the most important first."""


class _Silent:
    def begin(self, task: str) -> None:
        pass

    def advance(self, share: float, *fields: str) -> None:
        pass


SILENT: DrawingReporter = _Silent()
