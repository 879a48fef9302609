"""Computes what comes next in a second thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from flowgif.machine.processor import count_threads

__all__ = ["Ahead"]

Result = TypeVar("Result")


class Ahead(Generic[Result]):
    """Calls a function again and again, always one call ahead of the caller, in a thread of its own.

    The calls come one after another, so the results do not depend on the threads' speed. Where only one thread may
    work, each call is made when its result is asked for.

    Args:
        compute: makes the next result.
    """

    def __init__(self, compute: Callable[[], Result]) -> None:
        self._compute = compute
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flowgif-ahead") if count_threads() > 1 else None
        self._coming: Future[Result] | None = None

    def next(self) -> Result:
        """Returns the next result, and starts the call after it."""
        if self._thread is None:
            return self._compute()
        coming = self._coming or self._thread.submit(self._compute)
        result = coming.result()
        self._coming = self._thread.submit(self._compute)
        return result

    def stop(self) -> None:
        """Waits for the call that is under way and forgets its result."""
        if self._coming is not None:
            self._coming.exception()
            self._coming = None

    def close(self) -> None:
        """Ends the thread; there are no more results."""
        if self._thread is not None:
            self._thread.shutdown()
        self._coming = None
