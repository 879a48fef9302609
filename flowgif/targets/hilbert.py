"""Sorts points along a Hilbert curve, so that neighbours in the order are neighbours in the plane."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["hilbert_order"]


def hilbert_order(points: Tensor, bits: int = 12) -> Tensor:
    """Returns the order of points along a Hilbert curve through their bounding box.

    Args:
        points: the points, (n, 2).
        bits: the number of bits per axis; the curve passes through 2^bits by 2^bits cells.

    Returns:
        The indices of the points, (n,) int64; points in one cell keep the order in which they were given.
    """
    low, high = points.min(0).values, points.max(0).values
    side = 1 << bits
    cells = (points - low).div_((high - low).max().clamp(min=1e-12)).mul_(side - 1)
    x, y = cells.int().unbind(1)  # a large picture has millions of points, and 32 bits are enough for a curve of 2^24
    del cells
    distance = torch.zeros_like(x)
    s = side >> 1
    while s:
        right, upper = (x & s) > 0, (y & s) > 0
        distance += s * s * ((3 * right.int()) ^ upper.int())
        flip = right & ~upper
        x, y = (
            torch.where(flip, s - 1 - (x & (s - 1)), x & (s - 1)),
            torch.where(flip, s - 1 - (y & (s - 1)), y & (s - 1)),
        )
        x, y = torch.where(upper, x, y), torch.where(upper, y, x)
        s >>= 1
    return torch.argsort(distance, stable=True)
