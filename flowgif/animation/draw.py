"""Ink from particles: numpy arrays of (height, width), with nothing known of flows or files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

__all__ = ["arrows", "discs", "owners", "smooth_mass", "streaks"]

Field = npt.NDArray[np.float64]
Kinds = npt.NDArray[np.int64]


def discs(shape: tuple[int, int], places: Field, radius: float) -> Field:
    """Anti-aliased discs; where they overlap, ink adds up beyond the 1 of full ink.

    Args:
        shape: (height, width).
        places: (n, 2), column and row.
        radius: pixels.
    """
    ink = np.zeros(shape[0] * shape[1])
    for pixel, cover, _ in _covered(shape, places, radius):
        ink += np.bincount(pixel, cover, minlength=ink.size)
    return ink.reshape(shape)


def owners(shape: tuple[int, int], places: Field, radius: float, kinds: Kinds) -> Kinds:
    """The kind (n,) of the disc that covers each pixel most; 0 where there is none."""
    parts = _covered(shape, places, radius)
    pixel = np.concatenate([part[0] for part in parts])
    cover = np.concatenate([part[1] for part in parts])
    index = np.concatenate([part[2] for part in parts])
    out = np.zeros(shape[0] * shape[1], dtype=np.int64)
    # Of several values for one place numpy keeps the last.
    order = np.argsort(cover, kind="stable")
    out[pixel[order]] = kinds[index[order]]
    return out.reshape(shape)


def _covered(shape: tuple[int, int], places: Field, radius: float) -> list[tuple[Kinds, Field, Kinds]]:
    """Pixels that discs cover, by how much, and by which."""
    height, width = shape
    reach = int(np.ceil(radius + 0.5))
    corner = np.floor(places).astype(np.int64)
    found: list[tuple[Kinds, Field, Kinds]] = []
    for dy in range(-reach, reach + 2):
        for dx in range(-reach, reach + 2):
            column, row = corner[:, 0] + dx, corner[:, 1] + dy
            distance = np.hypot(column - places[:, 0], row - places[:, 1])
            # The share of a pixel that a disc covers, to first order in the distance of its edge.
            cover = np.clip(radius + 0.5 - distance, 0, 1)
            seen = np.flatnonzero((cover > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height))
            found.append((row[seen] * width + column[seen], cover[seen], seen))
    return found


def smooth_mass(shape: tuple[int, int], places: Field, sd: float) -> Field:
    """The particles' mass per pixel, each spread by a Gaussian; sums to the share of mass inside the frame.

    Args:
        shape: (height, width).
        places: (n, 2), column and row.
        sd: of the Gaussian, pixels.
    """
    pad = int(np.ceil(4 * sd)) + 1
    height, width = shape[0] + 2 * pad, shape[1] + 2 * pad
    mass = _deposit((height, width), places + pad, np.full(len(places), 1 / len(places)))
    taps = np.exp(-0.5 * (np.arange(-pad, pad + 1) / sd) ** 2)
    taps /= taps.sum()
    # Bilinear deposit, then a separable blur, each a product with a band of the taps. What lies beyond the padding
    # cannot reach the frame.
    return _band(shape[0], taps) @ mass @ _band(shape[1], taps).T


def _band(inner: int, taps: Field) -> Field:
    """(inner, inner + len(taps) - 1): row i has the taps from column i on."""
    out = np.zeros((inner, inner + len(taps) - 1))
    for k, tap in enumerate(taps):
        out[np.arange(inner), np.arange(inner) + k] = tap
    return out


def _deposit(shape: tuple[int, int], places: Field, weights: Field) -> Field:
    """Each weight divided between the four pixels around its place; what falls outside is lost."""
    height, width = shape
    corner = np.floor(places).astype(np.int64)
    part = places - corner
    out = np.zeros(height * width)
    for dy in (0, 1):
        for dx in (0, 1):
            column, row = corner[:, 0] + dx, corner[:, 1] + dy
            share = weights * np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
            seen = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            out += np.bincount(row[seen] * width + column[seen], share[seen], minlength=out.size)
    return out.reshape(shape)


def streaks(shape: tuple[int, int], starts: Field, ends: Field, strength: float, most: int = 24) -> Field:
    """Soft lines one pixel wide from starts to ends (n, 2 each), of so much ink per pixel of their length."""
    length = np.hypot(*(ends - starts).T)
    steps = np.clip(np.ceil(length), 1, most).astype(np.int64)
    which = np.repeat(np.arange(len(starts)), steps)
    first = np.concatenate(([0], np.cumsum(steps)[:-1]))
    share = (np.arange(len(which)) - first[which] + 0.5) / steps[which]
    places = starts[which] + (ends - starts)[which] * share[:, None]
    return _deposit(shape, places, strength * (length / steps)[which])


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
