"""Processes several items at the same time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from flowgif.machine.processor import count_threads

__all__ = ["ordered_map"]

THREAD = "flowgif-part"  # the beginning of the threads' names

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yields the function's result of each item, in order, computed in as many threads as may work at the same time.

    With one thread, and inside such a thread, the items are processed one after another.

    Threads help if the work is done outside Python, as by zlib, Pillow's encoders, numpy and torch. At most one
    item per thread is in progress, and one waits, so memory is bounded. (``Executor.map`` takes all items at once; it
    has a ``buffersize`` only from Python 3.14 on.)
    """
    most = count_threads()
    if most == 1 or threading.current_thread().name.startswith(THREAD):  # all processors are in use already
        yield from map(function, items)
        return
    with ThreadPoolExecutor(most, THREAD) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
