"""Work on several items at the same time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ordered_map"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yields the function's result of each item, in order, with as many threads at work as there are processors.

    Threads pay where the work is done outside Python, as by zlib and libwebp. No more items are taken than are at
    work, so that memory does not grow with their number. (``Executor.map`` takes all of them at once; only from Python
    3.14 on it has a ``buffersize``.)
    """
    most = os.cpu_count() or 1
    with ThreadPoolExecutor(most) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
