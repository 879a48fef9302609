"""Finds the pixels that change between frames; files store only these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flowgif.formats.film import Film

__all__ = ["FrameChange", "Packed", "find_box", "find_changes", "find_spare_index", "pack_smaller"]

Pixels = npt.NDArray[np.uint8]

# Share of a rectangle's pixels that change. If more change, holes only add edges, and a second packing is seldom worth
# its time.
SPARSE = 0.25


@dataclass(frozen=True, eq=False)
class FrameChange:
    """The smallest rectangle that turns the previous frame into this one.

    Attributes:
        left, top: column and row of its first pixel in the frame.
        pixels: palette indices, (height, width), at least one.
        changed: (height, width), True where they differ from the previous frame. True everywhere in the first frame.
        delay: the time for which the frame is shown, in the units given to ``find_changes``.
    """

    left: int
    top: int
    pixels: Pixels
    changed: npt.NDArray[np.bool_]
    delay: int


class Packed(NamedTuple):
    """The data of a rectangle in a file.

    Attributes:
        data: packed pixels.
        has_holes: whether unchanged pixels are transparent in the data ('holes').
    """

    data: bytes
    has_holes: bool


def find_changes(film: Film, ticks: int, even: bool = False) -> Iterator[FrameChange]:
    """Yields the change of each frame. An unchanged frame gives a rectangle of one pixel, which has the frame's delay.

    Args:
        film: the film.
        ticks: units of the delays per second.
        even: whether left and top must be even.
    """
    before = None
    for frame, delay in zip(film.frames(), film.delays_in(ticks), strict=True):
        changed = np.ones(frame.shape, bool) if before is None else frame != before
        rows, columns = find_box(changed, even)
        yield FrameChange(columns.start, rows.start, frame[rows, columns], changed[rows, columns], delay)
        before = frame


def find_box(mask: npt.NDArray[np.bool_], even: bool = False) -> tuple[slice, slice]:
    """Returns rows and columns of the smallest rectangle that contains all True pixels; the first pixel without any.

    Args:
        mask: (height, width).
        even: whether the first row and column must be even; the rectangle is made larger for that.
    """
    sides: list[slice] = []
    for axis in (1, 0):
        marked = np.flatnonzero(mask.any(axis))
        start, stop = (int(marked[0]), int(marked[-1]) + 1) if len(marked) else (0, 1)
        sides.append(slice(start - start % 2 if even else start, stop))
    return sides[0], sides[1]


def find_spare_index(film: Film) -> int | None:
    """Returns the palette index that may stand for unchanged pixels: the first one that the film does not use.

    Returns None if all 256 are used. Returns None too if the film is see-through: drawing over a pixel cannot make it
    see-through again.
    """
    return len(film.colours) if film.is_opaque and len(film.colours) < 256 else None


def pack_smaller(
    change: FrameChange, spare: int | None, pack: Callable[[Pixels, bool], bytes], max_changed: float = SPARSE
) -> Packed:
    """Packs a rectangle with all its pixels, and with holes where nothing changes; returns the smaller result.

    Args:
        change: the rectangle.
        spare: the index that stands for a hole; None for no holes.
        pack: packs pixels (height, width); its second argument tells whether they have holes.
        max_changed: holes are tried if less than this share of the pixels changes.
    """
    plain = Packed(pack(change.pixels, False), has_holes=False)
    if spare is None or not change.changed.mean() < max_changed:
        return plain
    holes = Packed(pack(np.where(change.changed, change.pixels, np.uint8(spare)), True), has_holes=True)
    return min(plain, holes, key=lambda packed: len(packed.data))
