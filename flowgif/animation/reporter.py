"""What is told of the progress while an animation is made."""

from __future__ import annotations

from typing import Protocol

__all__ = ["SILENT", "Reporter"]


class Reporter(Protocol):
    """Is told what is being done."""

    def begin(self, task: str) -> None:
        """A task begins; which share of it is done is not known yet."""

    def advance(self, share: float, *fields: str) -> None:
        """A share of the task, within [0, 1], is done; ``fields`` say more, the most important first."""


class _Silent:
    def begin(self, task: str) -> None:
        pass

    def advance(self, share: float, *fields: str) -> None:
        pass


SILENT: Reporter = _Silent()
