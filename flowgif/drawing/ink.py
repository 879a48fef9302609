"""Draws particles, lines and arrows as ink: numpy arrays of (height, width). It knows nothing of flows or files.

Positions are (n, 2), column and row in pixels; the first pixel's centre is at (0, 0).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

__all__ = ["CHUNK", "Labels", "arrows", "discs", "means_around", "owners", "smooth_mass", "streaks"]

Array = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]

SUBPIXEL_BITS = 4
SUBPIXELS = 1 << SUBPIXEL_BITS  # number of possible positions of a disc within a pixel, along each side
# Size of an array that is processed at once. The system takes back large arrays and hands out new ones, so several
# small arrays in turn are several times faster.
CHUNK = 1 << 15
SHORTEST_BLOCK = 32  # smallest number of rows that are filtered together
SUPERSAMPLING = 3  # arrows are drawn at this multiple of the size, and averaged
HEAD = 3.2  # length of an arrow's head, as a multiple of the shaft's thickness


def discs(shape: tuple[int, int], positions: Array, radius: float) -> Array:
    """Draws anti-aliased discs; where they overlap, ink adds up beyond the 1 of full ink.

    Args:
        shape: (height, width).
        positions: centres of the discs, (n, 2).
        radius: radius of the discs, pixels.
    """
    padded, inner = _padded(shape, radius)
    ink = np.zeros(padded[0] * padded[1])
    for pixel, cover, _ in _covered_pixels(padded, inner, positions, radius):
        np.add.at(ink, pixel.ravel(), cover.ravel())
    return ink.reshape(padded)[inner]


def owners(shape: tuple[int, int], positions: Array, radius: float, labels: Labels) -> Labels:
    """Finds the label (n,) of the disc that covers each pixel most, (height, width); 0 where there is no disc."""
    padded, inner = _padded(shape, radius)
    out, most = np.zeros(padded[0] * padded[1], dtype=np.int64), np.zeros(padded[0] * padded[1], dtype=np.uint8)
    for pixel, cover, disc in _covered_pixels(padded, inner, positions, radius):
        # numpy radix-sorts uint8, which is fast, and a smaller difference is not visible.
        share = (cover * 255).astype(np.uint8).ravel()
        order = np.argsort(share, kind="stable")
        order = order[(share[order] > 0) & (share[order] >= most[pixel.ravel()[order]])]
        at = pixel.ravel()[order]
        # If there are several values for one pixel, numpy keeps the last.
        out[at], most[at] = labels[disc[order // cover.shape[1]]], share[order]
    return out.reshape(padded)[inner]


def _padded(shape: tuple[int, int], radius: float) -> tuple[tuple[int, int], tuple[slice, slice]]:
    """Returns a shape with room for the whole of every visible disc, and the slices of the frame in it."""
    pad = 2 * _reach(radius)
    height, width = shape
    return (height + 2 * pad, width + 2 * pad), (slice(pad, pad + height), slice(pad, pad + width))


def _reach(radius: float) -> int:
    """Returns the largest number of pixels that a disc extends from the pixel of its centre."""
    return int(np.ceil(radius + 0.5)) + 1


def _covered_pixels(
    padded: tuple[int, int], inner: tuple[slice, slice], positions: Array, radius: float
) -> Iterator[tuple[Labels, Array, Labels]]:
    """Yields the pixels that discs cover, for a part of the discs at a time.

    Args:
        padded, inner: the result of :func:`_padded`.
        positions: centres of the discs, (n, 2).
        radius: radius of the discs, pixels.

    Yields:
        Indices of pixels of the padded frame, (k, m); the covered share of each, (k, m); the indices of the k discs,
        (k,).
    """
    reach = _reach(radius)
    offsets, covers = _stamps(radius)
    index_offsets = offsets[:, 1] * padded[1] + offsets[:, 0]
    step = max(1, CHUNK // len(offsets))
    for start in range(0, len(positions), step):
        column, row = positions[start : start + step].T
        column, row = column + inner[1].start, row + inner[0].start
        visible = _within(column, row, reach, padded[1] - reach - 1, padded[0] - reach - 1)
        column, row = (np.rint(side[visible] * SUBPIXELS).astype(np.int64) for side in (column, row))
        corner = (row >> SUBPIXEL_BITS) * padded[1] + (column >> SUBPIXEL_BITS)
        subpixel = (row & (SUBPIXELS - 1)) * SUBPIXELS + (column & (SUBPIXELS - 1))
        yield corner[:, None] + index_offsets, covers.take(subpixel, axis=0), start + visible


def _within(column: Array, row: Array, low: float, right: float, bottom: float) -> Labels:
    """Returns indices of the positions with low <= column < right and low <= row < bottom."""
    return np.flatnonzero((column >= low) & (column < right) & (row >= low) & (row < bottom))


@lru_cache(maxsize=4)
def _stamps(radius: float) -> tuple[Labels, Array]:
    """Draws a disc at every possible position within a pixel.

    Returns:
        Offsets of the covered pixels, (m, 2), column and row; the share of each that the discs cover, (SUBPIXELS^2, m).
    """
    around = np.arange(-_reach(radius), _reach(radius) + 1)
    offsets = np.stack(np.meshgrid(around, around), -1).reshape(-1, 2)
    part = np.arange(SUBPIXELS) / SUBPIXELS
    positions = np.stack(np.meshgrid(part, part), -1).reshape(-1, 1, 2)
    distance = np.hypot(*np.moveaxis(offsets - positions, -1, 0))
    # The share of a pixel that a disc covers, to first order in the distance of its edge.
    covers = np.clip(radius + 0.5 - distance, 0, 1)
    touched = covers.any(0)
    return offsets[touched], covers[:, touched]


def smooth_mass(shape: tuple[int, int], particles: Iterable[tuple[Array, Array]], sd: float) -> Array:
    """Computes the mass of particles in each pixel; a Gaussian spreads each particle.

    Args:
        shape: (height, width).
        particles: parts of all particles, each with positions (n, 2) and masses (n,).
        sd: standard deviation of the Gaussian, pixels.

    Returns:
        (height, width); its sum is the mass inside the frame.
    """
    # A pixel has the average over its area, which spreads a particle by a variance of 1/12 along each side. Dividing
    # the particle between the pixels around its position spreads it by 1/6. So the filter's variance is 1/12 less than
    # the Gaussian's; if that is negative, the filter sharpens.
    variance = sd**2 - 1 / 12
    # Mass beyond the padding cannot reach the frame.
    pad = int(np.ceil(4 * sd)) + 1
    moved = ((positions + positions.dtype.type(pad), masses) for positions, masses in particles)
    mass = _deposit((shape[0] + 2 * pad, shape[1] + 2 * pad), moved, np.float32)
    distance = np.arange(-pad, pad + 1) ** 2
    if variance < 0.5:  # a narrower Gaussian, sampled at whole pixels, has another variance
        taps = np.where(distance == 0, 1 - variance, np.where(distance == 1, 0.5 * variance, 0.0))
    else:
        taps = np.exp(-0.5 * distance / variance)
        taps /= taps.sum()
    return _filtered(_filtered(mass, taps).T, taps).T


def means_around(mass: Array, rows: Array, columns: Array, sd: float) -> Array:
    """Averages a frame around the points of a lattice, weighted by a Gaussian.

    Args:
        mass: (height, width).
        rows, columns: rows and columns of the lattice, (r,) and (c,), pixels.
        sd: standard deviation of the Gaussian, pixels.

    Returns:
        (r, c).
    """
    row_weights, column_weights = (
        np.exp(-0.5 * ((np.arange(side) - at[:, None]) / sd) ** 2)
        for side, at in zip(mass.shape, (rows, columns), strict=True)
    )
    return row_weights @ mass @ column_weights.T / (row_weights.sum(1)[:, None] * column_weights.sum(1))


def _filtered(x: Array, taps: Array) -> Array:
    """Sums neighbours along the first axis, weighted by taps, (len(x) - len(taps) + 1, ...).

    Each block of rows is a product with a band matrix of the taps, which is the same for all blocks.
    """
    rows, block, more = len(x) - len(taps) + 1, max(SHORTEST_BLOCK, 2 * len(taps)), len(taps) - 1
    band = np.zeros((block, block + more), x.dtype)
    for i in range(block):
        band[i, i : i + len(taps)] = taps
    out = np.empty((rows, x.shape[1]), x.dtype)
    for start in range(0, rows, block):
        count = min(block, rows - start)
        np.matmul(band[:count, : count + more], x[start : start + count + more], out=out[start : start + count])
    return out


def _deposit(
    shape: tuple[int, int], particles: Iterable[tuple[Array, Array]], dtype: npt.DTypeLike = np.float64
) -> Array:
    """Divides each weight between the four pixels around its position; weight outside the frame is lost.

    Args:
        shape: (height, width).
        particles: parts of all particles, as in :func:`smooth_mass`.
    """
    height, width = shape
    # One extra pixel on every side receives the mass outside the frame; it is cut off at the end.
    wide = width + 2
    out = np.zeros((height + 2) * wide, dtype)
    for positions, weights in particles:
        column, row = positions.T + positions.dtype.type(1)
        visible = _within(column, row, 0, width + 1, height + 1)
        weight = weights
        if len(visible) < len(column):
            column, row, weight = column[visible], row[visible], weights[visible]
        left, top = column.astype(np.int32), row.astype(np.int32)
        corner = (top * np.int32(wide) + left).astype(np.int64)
        right = column - left.astype(column.dtype)
        below = weight * (row - top.astype(row.dtype))
        above = weight - below
        above_right, below_right = above * right, below * right
        np.add.at(out, corner, above - above_right)
        np.add.at(out[1:], corner, above_right)
        np.add.at(out[wide:], corner, below - below_right)
        np.add.at(out[wide + 1 :], corner, below_right)
    return out.reshape(height + 2, wide)[1:-1, 1:-1]


def streaks(shape: tuple[int, int], starts: Array, ends: Array, strength: float, most: int = 24) -> Array:
    """Draws soft lines one pixel wide.

    Args:
        shape: (height, width).
        starts, ends: ends of the lines, (n, 2).
        strength: ink per pixel of a line's length.
        most: largest number of dots in a line; a line of more pixels has gaps.
    """
    length = np.hypot(*(ends - starts).T)
    steps = np.clip(np.ceil(length), 1, most).astype(np.int64)
    line = np.repeat(np.arange(len(starts)), steps)
    first = np.concatenate(([0], np.cumsum(steps)[:-1]))
    share = (np.arange(len(line)) - first[line] + 0.5) / steps[line]
    positions = starts[line] + (ends - starts)[line] * share[:, None]
    ink = strength * (length / steps)[line]
    step = CHUNK // 4
    return _deposit(shape, ((positions[i : i + step], ink[i : i + step]) for i in range(0, len(positions), step)))


def arrows(shape: tuple[int, int], starts: Array, moves: Array, thickness: float) -> Array:
    """Draws arrows as ink from 0 to 1.

    Args:
        shape: (height, width).
        starts: starts of the arrows, (n, 2).
        moves: vectors from start to tip, (n, 2), pixels; arrows shorter than a pixel are left out.
        thickness: thickness of the shaft, pixels.
    """
    image = Image.new("L", (shape[1] * SUPERSAMPLING, shape[0] * SUPERSAMPLING))
    pen = ImageDraw.Draw(image)
    for start, move in zip((starts + 0.5) * SUPERSAMPLING, moves * SUPERSAMPLING, strict=True):
        length = float(np.hypot(*move))
        if length < SUPERSAMPLING:
            continue
        direction = move / length
        normal = np.array((-direction[1], direction[0]))
        head = min(0.45 * length, HEAD * thickness * SUPERSAMPLING)
        tip, neck = start + move, start + move - direction * head
        pen.line([tuple(start), tuple(neck)], fill=255, width=max(1, round(thickness * SUPERSAMPLING)))
        pen.polygon([tuple(tip), tuple(neck + normal * head * 0.5), tuple(neck - normal * head * 0.5)], fill=255)
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BOX), dtype=np.float64) / 255
