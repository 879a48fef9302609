"""What changes from a frame to the next: more of it need not be stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flowgif.formats.raster.film import Film

__all__ = ["Packed", "Patch", "find_box", "find_changes", "smaller", "spare_index"]

Pixels = npt.NDArray[np.uint8]

# Share of a patch's pixels that change. With more, holes only add edges, and a second packing is seldom worth its time.
SPARSE = 0.25


@dataclass(frozen=True, eq=False)
class Patch:
    """The smallest rectangle that makes a frame of the one before.

    Attributes:
        left, top: of its first pixel, in the frame.
        pixels: palette indices, (height, width), at least one.
        changed: (height, width), where they differ from the frame before; all of the first frame does.
        delay: how long the frame stays, in the units that were asked for.
    """

    left: int
    top: int
    pixels: Pixels
    changed: npt.NDArray[np.bool_]
    delay: int


class Packed(NamedTuple):
    """A patch's data in a file.

    Attributes:
        data: packed pixels.
        has_holes: whether pixels that do not change are see-through in them.
    """

    data: bytes
    has_holes: bool


def find_changes(film: Film, ticks: int, even: bool = False) -> Iterator[Patch]:
    """Yields one patch per frame. An unchanged frame gives a patch of one pixel, which carries its delay.

    Args:
        film: what is shown.
        ticks: units of the patches' delays per second.
        even: whether the corners must have even coordinates.
    """
    before = None
    for frame, delay in zip(film.frames(), film.delays_in(ticks), strict=True):
        changed = np.ones(frame.shape, bool) if before is None else frame != before
        rows, columns = find_box(changed, even)
        yield Patch(columns.start, rows.start, frame[rows, columns], changed[rows, columns], delay)
        before = frame


def find_box(mask: npt.NDArray[np.bool_], even: bool = False) -> tuple[slice, slice]:
    """Returns rows and columns of the smallest rectangle with all that is marked; of the first pixel if nothing is.

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


def spare_index(film: Film) -> int | None:
    """Returns the palette index that may stand for unchanged pixels: the first one that the film does not use.

    None if all 256 are used, or if the film has see-through pixels: nothing can be laid over a pixel to make it
    see-through again.
    """
    return len(film.colours) if film.transparent is None and len(film.colours) < 256 else None


def smaller(
    patch: Patch, spare: int | None, pack: Callable[[Pixels, bool], bytes], most_changed: float = SPARSE
) -> Packed:
    """Packs a patch as it is, and with holes where nothing changes; returns the smaller one.

    Args:
        patch: what is packed.
        spare: the index that stands for a hole; None for no holes.
        pack: makes data of pixels (height, width), and is told whether they have holes.
        most_changed: holes are tried if fewer of the pixels change than this share.
    """
    plain = Packed(pack(patch.pixels, False), has_holes=False)
    if spare is None or not patch.changed.mean() < most_changed:
        return plain
    holes = Packed(pack(np.where(patch.changed, patch.pixels, np.uint8(spare)), True), has_holes=True)
    return min(plain, holes, key=lambda packed: len(packed.data))
