"""Sorts points along a Hilbert curve, so that neighbours in the order are neighbours in the plane."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["hilbert_order"]


CHUNK = 1 << 17  # points whose numbers fit into a processor's cache; a large picture has millions


def hilbert_order(points: Tensor, bits: int = 12) -> Tensor:
    """Returns the order of points along a Hilbert curve through their bounding box.

    Args:
        points: the points, (n, 2).
        bits: the number of bits per axis; the curve passes through 2^bits by 2^bits cells.

    Returns:
        The indices of the points, (n,) int64; points in one cell keep the order in which they were given.
    """
    low, high = points.min(0).values, points.max(0).values
    size = (high - low).max().clamp(min=1e-12)
    distance = torch.cat([_distance((part - low).div_(size), bits) for part in points.split(CHUNK)])
    return torch.argsort(distance, stable=True)


def _distance(points: Tensor, bits: int) -> Tensor:
    """Returns how far along the curve the cells of points of the unit square are, (n,) int32, in cells."""
    side = 1 << bits
    x, y = (points * (side - 1)).int().unbind(1)
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
    return distance
