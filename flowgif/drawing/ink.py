"""Ink from particles: numpy arrays of (height, width), with nothing known of flows or files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

__all__ = ["AT_ONCE", "arrows", "discs", "means_around", "owners", "smooth_mass", "streaks"]

Field = npt.NDArray[np.float64]
Kinds = npt.NDArray[np.int64]


FINE_BITS = 4
FINE = 1 << FINE_BITS  # places within a pixel that are told apart, along each side
# Numbers in an array: as large ones are given back to the system and fetched anew, small ones are several times faster.
AT_ONCE = 1 << 15


def discs(shape: tuple[int, int], places: Field, radius: float) -> Field:
    """Anti-aliased discs; where they overlap, ink adds up beyond the 1 of full ink.

    Args:
        shape: (height, width).
        places: (n, 2), column and row.
        radius: pixels.
    """
    wide, inner = _padded(shape, radius)
    ink = np.zeros(wide[0] * wide[1])
    for pixel, cover, _ in _covered(wide, inner, places, radius):
        np.add.at(ink, pixel.ravel(), cover.ravel())
    return ink.reshape(wide)[inner]


def owners(shape: tuple[int, int], places: Field, radius: float, kinds: Kinds) -> Kinds:
    """The kind (n,) of the disc that covers each pixel most; 0 where there is none."""
    wide, inner = _padded(shape, radius)
    out, most = np.zeros(wide[0] * wide[1], dtype=np.int64), np.zeros(wide[0] * wide[1], dtype=np.uint8)
    for pixel, cover, which in _covered(wide, inner, places, radius):
        # Bytes are sorted in one pass, and nobody sees a finer difference.
        share = (cover * 255).astype(np.uint8).ravel()
        order = np.argsort(share, kind="stable")
        order = order[(share[order] > 0) & (share[order] >= most[pixel.ravel()[order]])]
        at = pixel.ravel()[order]
        # Of several values for one place numpy keeps the last.
        out[at], most[at] = kinds[which[order // cover.shape[1]]], share[order]
    return out.reshape(wide)[inner]


def _padded(shape: tuple[int, int], radius: float) -> tuple[tuple[int, int], tuple[slice, slice]]:
    """The shape with room for all of every disc that can be seen, and where in it the frame is."""
    pad = 2 * _reach(radius)
    height, width = shape
    return (height + 2 * pad, width + 2 * pad), (slice(pad, pad + height), slice(pad, pad + width))


def _reach(radius: float) -> int:
    """How many pixels from that of its place a disc goes at most."""
    return int(np.ceil(radius + 0.5)) + 1


def _covered(
    wide: tuple[int, int], inner: tuple[slice, slice], places: Field, radius: float
) -> Iterator[tuple[Kinds, Field, Kinds]]:
    """Pixels of the padded frame that discs cover, by how much, (n, m) each, and which discs, (n,): some at a time."""
    reach = _reach(radius)
    near, covers = _stamps(radius)
    around = near[:, 1] * wide[1] + near[:, 0]
    step = max(1, AT_ONCE // len(near))
    for start in range(0, len(places), step):
        column, row = places[start : start + step].T
        column, row = column + inner[1].start, row + inner[0].start
        seen = _within(column, row, reach, wide[1] - reach - 1, wide[0] - reach - 1)
        column, row = (np.rint(side[seen] * FINE).astype(np.int64) for side in (column, row))
        corner = (row >> FINE_BITS) * wide[1] + (column >> FINE_BITS)
        part = (row & (FINE - 1)) * FINE + (column & (FINE - 1))
        yield corner[:, None] + around, covers.take(part, axis=0), start + seen


def _within(column: Field, row: Field, low: float, right: float, bottom: float) -> Kinds:
    """Indices of the places with low <= column < right and low <= row < bottom."""
    return np.flatnonzero((column >= low) & (column < right) & (row >= low) & (row < bottom))


@lru_cache(maxsize=4)
def _stamps(radius: float) -> tuple[Kinds, Field]:
    """A disc at every place within a pixel: the pixels around, (m, 2) (column, row), and their covers, (FINE^2, m)."""
    around = np.arange(-_reach(radius), _reach(radius) + 1)
    near = np.stack(np.meshgrid(around, around), -1).reshape(-1, 2)
    part = np.arange(FINE) / FINE
    places = np.stack(np.meshgrid(part, part), -1).reshape(-1, 1, 2)
    distance = np.hypot(*np.moveaxis(near - places, -1, 0))
    # The share of a pixel that a disc covers, to first order in the distance of its edge.
    covers = np.clip(radius + 0.5 - distance, 0, 1)
    some = covers.any(0)
    return near[some], covers[:, some]


def smooth_mass(shape: tuple[int, int], particles: Iterable[tuple[Field, Field]], sd: float) -> Field:
    """The particles' mass in each pixel, each spread by a Gaussian; sums to the share of mass inside the frame.

    Args:
        shape: (height, width).
        particles: places, (n, 2), column and row, and masses, (n,), of some at a time.
        sd: of the Gaussian, pixels.
    """
    # What is divided between the pixels around its place is spread by a variance of 1/6 along each side, an average
    # over a pixel by 1/12. The difference is part of the Gaussian; where that is less, it is taken away again.
    variance = sd**2 - 1 / 12
    # What lies beyond the padding cannot reach the frame.
    pad = int(np.ceil(4 * sd)) + 1
    moved = ((places + pad, masses) for places, masses in particles)
    mass = _deposit((shape[0] + 2 * pad, shape[1] + 2 * pad), moved)
    distance = np.arange(-pad, pad + 1) ** 2
    if variance < 0.5:  # a sampled Gaussian that narrow has another variance
        taps = np.where(distance == 0, 1 - variance, np.where(distance == 1, 0.5 * variance, 0.0))
    else:
        taps = np.exp(-0.5 * distance / variance)
        taps /= taps.sum()
    return _filtered(_filtered(mass, taps).T, taps).T


def means_around(mass: Field, rows: Field, columns: Field, sd: float) -> Field:
    """Averages of (height, width) around each (row, column), weighted by a Gaussian of sd pixels, (rows, columns)."""
    along, across = (
        np.exp(-0.5 * ((np.arange(side) - at[:, None]) / sd) ** 2)
        for side, at in zip(mass.shape, (rows, columns), strict=True)
    )
    return along @ mass @ across.T / (along.sum(1)[:, None] * across.sum(1))


def _filtered(x: Field, taps: Field) -> Field:
    """Sums of neighbours along the first axis, weighted by taps, (len(x) - len(taps) + 1, ...).

    Some rows at a time are a product with a band of the taps, the same band for all.
    """
    rows, block, more = len(x) - len(taps) + 1, 2 * len(taps), len(taps) - 1
    band = np.zeros((block, block + more))
    for i in range(block):
        band[i, i : i + len(taps)] = taps
    out = np.empty((rows, x.shape[1]))
    for start in range(0, rows, block):
        some = min(block, rows - start)
        np.matmul(band[:some, : some + more], x[start : start + some + more], out=out[start : start + some])
    return out


def _deposit(shape: tuple[int, int], particles: Iterable[tuple[Field, Field]]) -> Field:
    """Each weight divided between the four pixels around its place; what falls outside is lost."""
    height, width = shape
    # With a pixel more on every side, into which falls what is lost.
    wide = width + 2
    out = np.zeros((height + 2) * wide)
    for places, weights in particles:
        column, row = places.T + 1.0
        seen = _within(column, row, 0, width + 1, height + 1)
        column, row, weight = column[seen], row[seen], weights[seen]
        left, top = column.astype(np.int64), row.astype(np.int64)
        right, below = column - left, weight * (row - top)
        above, corner = weight - below, top * wide + left
        np.add.at(out, corner, above * (1 - right))
        np.add.at(out, corner + 1, above * right)
        np.add.at(out, corner + wide, below * (1 - right))
        np.add.at(out, corner + wide + 1, below * right)
    return out.reshape(height + 2, wide)[1:-1, 1:-1]


def streaks(shape: tuple[int, int], starts: Field, ends: Field, strength: float, most: int = 24) -> Field:
    """Soft lines one pixel wide from starts to ends (n, 2 each), of so much ink per pixel of their length."""
    length = np.hypot(*(ends - starts).T)
    steps = np.clip(np.ceil(length), 1, most).astype(np.int64)
    which = np.repeat(np.arange(len(starts)), steps)
    first = np.concatenate(([0], np.cumsum(steps)[:-1]))
    share = (np.arange(len(which)) - first[which] + 0.5) / steps[which]
    places = starts[which] + (ends - starts)[which] * share[:, None]
    ink = strength * (length / steps)[which]
    some = AT_ONCE // 4
    return _deposit(shape, ((places[i : i + some], ink[i : i + some]) for i in range(0, len(places), some)))


def arrows(shape: tuple[int, int], starts: Field, moves: Field, thickness: float) -> Field:
    """Arrows as ink from 0 to 1, drawn at three times the size and averaged.

    Args:
        shape: (height, width).
        starts: (n, 2), column and row.
        moves: (n, 2), pixels.
        thickness: of the shaft, pixels.
    """
    fine = 3
    image = Image.new("L", (shape[1] * fine, shape[0] * fine))
    pen = ImageDraw.Draw(image)
    for start, move in zip((starts + 0.5) * fine, moves * fine, strict=True):
        length = float(np.hypot(*move))
        if length < fine:
            continue
        along = move / length
        across = np.array((-along[1], along[0]))
        head = min(0.45 * length, 3.2 * thickness * fine)
        tip, neck = start + move, start + move - along * head
        pen.line([tuple(start), tuple(neck)], fill=255, width=max(1, round(thickness * fine)))
        pen.polygon([tuple(tip), tuple(neck + across * head * 0.5), tuple(neck - across * head * 0.5)], fill=255)
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BOX), dtype=np.float64) / 255
