"""What changes from a frame to the next, which is all that a file needs of it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from flowgif.formats.raster.film import Film

__all__ = ["Patch", "find_box", "find_changes", "packed"]

T = TypeVar("T")

SPARSE = 0.25  # share of pixels that change


@dataclass(frozen=True, eq=False)
class Patch:
    """The smallest rectangle that makes a frame of the one before.

    Attributes:
        left, top: of its first pixel, in the frame.
        pixels: palette indices, (height, width), at least one.
        changed: (height, width), where they differ from the frame before; all of the first frame does.
        delay: how long the frame stays, hundredths of a second.
    """

    left: int
    top: int
    pixels: npt.NDArray[np.uint8]
    changed: npt.NDArray[np.bool_]
    delay: int

    @property
    def sparse(self) -> bool:
        """Whether so little changes that it may pay to leave out the rest; with more, holes only add edges."""
        return bool(self.changed.mean() < SPARSE)


def find_changes(film: Film, even: bool = False) -> Iterator[Patch]:
    """Yields a patch a frame; where nothing changes it is the frame's first pixel, so that the delay has its place.

    Args:
        film: what is shown.
        even: whether the corners must have even coordinates.
    """
    before = None
    for frame, delay in zip(film.frames(), film.delays, strict=True):
        changed = np.ones(frame.shape, bool) if before is None else frame != before
        rows, columns = find_box(changed, even)
        yield Patch(columns.start, rows.start, frame[rows, columns], changed[rows, columns], delay)
        before = frame


def packed(pack: Callable[[Patch], T], patches: Iterable[Patch]) -> Iterator[tuple[Patch, T]]:
    """Yields each patch with what ``pack`` makes of it, in order, some of them at work at the same time.

    It is worth it where packing is done outside Python, as by zlib and libwebp.
    """
    most = os.cpu_count() or 1
    with ThreadPoolExecutor(most) as pool:
        # No more than are at work are kept, so that memory does not grow with the number of frames.
        waiting: deque[tuple[Patch, Future[T]]] = deque()
        for patch in patches:
            waiting.append((patch, pool.submit(pack, patch)))
            if len(waiting) > most:
                before, done = waiting.popleft()
                yield before, done.result()
        for before, done in waiting:
            yield before, done.result()


def find_box(mask: npt.NDArray[np.bool_], even: bool = False) -> tuple[slice, slice]:
    """Rows and columns of the smallest rectangle with all that is marked; the first pixel's where nothing is."""
    sides: list[slice] = []
    for axis in (1, 0):
        marked = np.flatnonzero(mask.any(axis))
        start, stop = (int(marked[0]), int(marked[-1]) + 1) if len(marked) else (0, 1)
        sides.append(slice(start - start % 2 if even else start, stop))
    return sides[0], sides[1]
