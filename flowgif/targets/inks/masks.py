"""Sets of a picture's pixels, without scipy, which takes half a second to load."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Mask", "eroded", "spanned"]

Mask = npt.NDArray[np.bool_]


def eroded(mask: Mask, times: int = 1, *, corners: bool = False) -> Mask:
    """Takes away the outermost pixels of a mask, (rows, columns); outside the picture there are none.

    Args:
        mask: the pixels.
        times: how many layers are taken away.
        corners: whether a pixel is outermost too if only a diagonal neighbour is missing.
    """
    for _ in range(times):
        padded = np.pad(mask, 1)
        across = padded[:, :-2] & padded[:, 1:-1] & padded[:, 2:]
        down = across if corners else padded[:, 1:-1]
        mask = down[:-2] & down[2:] & across[1:-1]
    return mask


def spanned(mask: Mask) -> Mask:
    """Returns the pixels between two of a mask both in their row and in their column; holes are among them."""

    def between(axis: int) -> Mask:
        before = np.maximum.accumulate(mask, axis)
        after = np.flip(np.maximum.accumulate(np.flip(mask, axis), axis), axis)
        return before & after

    return between(0) & between(1)
